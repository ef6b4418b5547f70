//! TIFF 6.0 and `BigTIFF`: the first page, in strips or tiles, whose samples lie together or in planes.
//!
//! Browsers do not show TIFFs; what libtiff makes of a file is right. Directories are read here, strips and tiles are
//! unpacked by a library for each compression, of JPEG the one that JPEG files have.

mod chunks;
mod directory;
mod fax;
mod fields;
mod info;
mod jpeg;
mod pixels;
mod unpack;

use super::ImageError;
use super::ImageLimits;
use super::extent::Extent;
use super::header::Header;
use super::jpeg as jpeg_files;
use super::raster::Raster;
use media::Rejection;
use media::formats::ImageFormat;

use self::directory::Directory;
use self::info::Info;

/// First bytes: classic and big, little and big endian.
pub(super) const SIGNATURES: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];

pub(super) fn read(bytes: &[u8], limits: &ImageLimits) -> Result<Header, Rejection> {
    let info = Info::read(bytes, limits)?;
    let layout = info.layout();
    Ok(Header {
        format: ImageFormat::Tiff,
        width: info.width,
        height: info.height,
        orientation: info.orientation,
        layout,
        jpeg: jpeg_files::Traits::default(),
        has_alpha: layout.has_alpha(),
        is_lossy: false,
        bit_depth: info.bits,
        frames: 1,
        plays: 1,
        color: info.color,
    })
}

/// The bytes of a field, which has nothing to do with the picture's pixels.
pub(super) fn field(file: &[u8], tag: u16) -> Option<Vec<u8>> {
    Directory::read(file).ok()?.bytes(tag).map(<[u8]>::to_vec)
}

pub(super) fn decode(
    bytes: &[u8],
    header: Header,
    limits: &ImageLimits,
) -> Result<(Raster, Extent), ImageError> {
    let info = Info::read(bytes, limits)?;
    let (samples, extent) = chunks::samples(bytes, &info)?;
    Ok((pixels::raster(&info, samples, header.color)?, extent))
}
