//! BMP of Windows and OS/2 (`BITMAPCOREHEADER` to `BITMAPV5HEADER`), as browsers show it.
//!
//! Pixels that a run-length coded picture skips are transparent. An alpha channel counts only where the header names its
//! bits, and not if it is empty everywhere: many programs fill it with zeros.

mod channels;
mod header;
mod rle;
mod rows;

use super::ImageError;
use super::ImageLimits;
use super::extent::Extent;
use super::header::Header;
use super::jpeg;
use super::orient::Orientation;
use super::raster::{Layout, Raster};
use media::Rejection;
use media::formats::ImageFormat;

use self::header::{Coding, Info};

pub(super) const SIGNATURE: &[u8] = b"BM";

pub(super) fn read(bytes: &[u8], limits: &ImageLimits) -> Result<Header, Rejection> {
    let info = Info::read(bytes, limits)?;
    let layout = info.layout();
    // What follows the pixels is not looked at: headers often claim another length than the file has.
    Ok(Header {
        format: ImageFormat::Bmp,
        width: info.width,
        height: info.height,
        orientation: Orientation::default(),
        layout,
        jpeg: jpeg::Traits::default(),
        has_alpha: layout.has_alpha(),
        is_lossy: false,
        bit_depth: info.bit_depth(),
        frames: 1,
        plays: 1,
        color: info.color,
    })
}

pub(super) fn decode(
    bytes: &[u8],
    header: Header,
    limits: &ImageLimits,
) -> Result<(Raster, Extent), ImageError> {
    let info = Info::read(bytes, limits)?;
    let data = bytes.get(info.pixels_at..).unwrap_or_default();
    let (pixels, rows) = match info.coding {
        Coding::Plain => rows::decode(&info, data)?,
        Coding::Runs => rle::decode(&info, data)?,
    };
    let extent = Extent::of_rows(rows.into(), header.height.into())?;
    let size = (header.width, header.height);
    let picture = Raster::new(size, header.layout, header.color, pixels)?;
    Ok((opaque_if_empty(picture, &info), extent))
}

/// The picture, all of it visible if its alpha channel says that nothing is.
fn opaque_if_empty(mut picture: Raster, info: &Info) -> Raster {
    let is_channel = info.coding == Coding::Plain && picture.layout == Layout::Rgba;
    let pixels = picture.data.as_chunks_mut::<4>().0;
    if is_channel && pixels.iter().all(|pixel| pixel[3] == 0) {
        for pixel in pixels {
            pixel[3] = u8::MAX;
        }
    }
    picture
}
