//! Which format a file has by its structure, and what its headers declare.

use media::formats::ImageFormat;
use media::{Rejection, RejectionCode};

use super::ImageLimits;
use super::orient::Orientation;
use super::profile::Embedded;
use super::raster::Layout;
use super::reject;
use super::{bmp, gif, heif, jpeg, jxl, png, tiff, webp};

/// `format`, of a file that has so many bytes behind the picture; refused if they are too many.
pub(super) fn with_trailing(format: ImageFormat, bytes: usize) -> Result<ImageFormat, Rejection> {
    let (limit, measured) = (format.capabilities().max_trailing_bytes, bytes as u64);
    if measured > limit {
        let unit = "bytes behind the picture";
        return Err(reject::over(
            RejectionCode::FileTooLarge,
            limit,
            measured,
            unit,
        ));
    }
    Ok(format)
}

/// The format that the first bytes show; of HEIF files, whose items say whether they are AVIF, the one.
fn sniff(bytes: &[u8]) -> Option<ImageFormat> {
    if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
        Some(ImageFormat::Jpeg)
    } else if bytes.starts_with(png::SIGNATURE) {
        Some(ImageFormat::Png)
    } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        Some(ImageFormat::Gif)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..15) == Some(b"WEBPVP8") {
        Some(ImageFormat::Webp)
    } else if bytes.starts_with(bmp::SIGNATURE) {
        Some(ImageFormat::Bmp)
    } else if tiff::SIGNATURES
        .iter()
        .any(|start| bytes.starts_with(start))
    {
        Some(ImageFormat::Tiff)
    } else if jxl::is_jxl(bytes) {
        Some(ImageFormat::Jxl)
    } else if heif::is_heif(bytes) {
        Some(ImageFormat::Heic)
    } else {
        None
    }
}

/// What the headers declare; checked against the limits before anything is allocated for it.
pub(super) struct Header {
    pub(super) format: ImageFormat,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) orientation: Orientation,
    /// What the decoder will deliver, at 8 bits.
    pub(super) layout: Layout,
    pub(super) jpeg: jpeg::Traits,
    pub(super) has_alpha: bool,
    /// Whether it surely was stored with loss, so that a copy without any would mostly keep the traces of that.
    pub(super) is_lossy: bool,
    pub(super) bit_depth: u8,
    pub(super) frames: u32,
    /// How often an animation is played; 0 for ever.
    pub(super) plays: u32,
    pub(super) color: Embedded,
}

pub(super) fn read(bytes: &[u8], limits: &ImageLimits) -> Result<Header, Rejection> {
    match sniff(bytes) {
        Some(ImageFormat::Jpeg) => jpeg::read(bytes, limits),
        Some(ImageFormat::Png) => png::read(bytes, limits),
        Some(ImageFormat::Webp) => webp::read(bytes, limits),
        Some(ImageFormat::Gif) => gif::read(bytes, limits),
        Some(ImageFormat::Bmp) => bmp::read(bytes, limits),
        Some(ImageFormat::Tiff) => tiff::read(bytes, limits),
        Some(ImageFormat::Jxl) => jxl::read(bytes, limits),
        Some(ImageFormat::Avif | ImageFormat::Heic) => heif::read(bytes, limits),
        None => {
            let message = "not an image by its structure";
            let [first @ .., last] = ImageFormat::ALL.map(|format| format.capabilities().name);
            let taken = format!("{} or {last}", first.join(", "));
            Err(Rejection::new(RejectionCode::UnsupportedType, message).limit(taken))
        }
    }
}
