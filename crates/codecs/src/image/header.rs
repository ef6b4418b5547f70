//! Which format a file has by its structure, and what its headers declare.

use serde::{Deserialize, Serialize};

use super::orient::Orientation;
use super::profile::Embedded;
use super::raster::Layout;
use super::{gif, jpeg, png, webp};

use crate::error::{RejectCode, Rejection};
use crate::limits::ImageLimits;

/// An image format that is decoded here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Baseline and progressive JPEG, 8 bit, Huffman coded.
    Jpeg,
    /// PNG, and APNG of which the default image is taken.
    Png,
    /// WebP, lossy and lossless, still and animated.
    #[serde(rename = "webp")]
    WebP,
    /// GIF 87a and 89a.
    Gif,
}

impl Format {
    /// The media type (IANA).
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
        }
    }

    /// Bytes that may follow the end of the picture. Phones put the film of a motion photo, second
    /// pictures and depth maps behind a JPEG; behind the others stands nothing but what got there by
    /// mistake. More is kept for ever, served to nobody, and paid for by us.
    const fn max_trailing_bytes(self) -> u64 {
        match self {
            Self::Jpeg => 64 << 20,
            Self::Png | Self::WebP | Self::Gif => 1 << 20,
        }
    }

    /// This format, of a file that has so many bytes behind the picture; refused if they are too many.
    pub(super) fn with_trailing(self, bytes: usize) -> Result<Self, Rejection> {
        let (limit, measured) = (self.max_trailing_bytes(), bytes as u64);
        if measured > limit {
            let unit = "bytes behind the picture";
            return Err(Rejection::over(
                RejectCode::FileTooLarge,
                limit,
                measured,
                unit,
            ));
        }
        Ok(self)
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
            Some(Self::Jpeg)
        } else if bytes.starts_with(png::SIGNATURE) {
            Some(Self::Png)
        } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
            Some(Self::Gif)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..15) == Some(b"WEBPVP8") {
            Some(Self::WebP)
        } else {
            None
        }
    }
}

/// What the headers declare; checked against the limits before anything is allocated for it.
pub(super) struct Header {
    pub(super) format: Format,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) orientation: Orientation,
    /// What the decoder will deliver, at 8 bits.
    pub(super) layout: Layout,
    pub(super) jpeg: jpeg::Traits,
    pub(super) has_alpha: bool,
    pub(super) bit_depth: u8,
    pub(super) frames: u32,
    pub(super) color: Embedded,
}

pub(super) fn read(bytes: &[u8], limits: &ImageLimits) -> Result<Header, Rejection> {
    match Format::of(bytes) {
        Some(Format::Jpeg) => jpeg::read(bytes, limits),
        Some(Format::Png) => png::read(bytes, limits),
        Some(Format::WebP) => webp::read(bytes, limits),
        Some(Format::Gif) => gif::read(bytes, limits),
        None => Err(Rejection {
            code: RejectCode::UnsupportedType,
            limit: Some("JPEG, PNG, WebP or GIF".to_owned()),
            measured: None,
            detail: "not an image by its structure".to_owned(),
        }),
    }
}
