//! Pictures that are brighter than white on screens that can be, and right on all others: a JPEG of what the WebP shows,
//! with a gain map, which says by how much each pixel is brighter (ISO 21496-1).
//!
//! The base is in sRGB, so that it is pixel by pixel what the WebP shows, and needs no profile. So the brighter picture has
//! no colours beyond sRGB's, as the WebP has none.
//!
//! A source of high dynamic range gets its map from how it was bent ([`hdr`](super::hdr)). That of another source is taken
//! over, its numbers written anew; if anything is wrong with it, there is none. A map that is the same for all colours
//! fits a base of any primaries. One that differs by colour was made for those of its base, and is a little off where they
//! were not sRGB's.

mod apple;
mod jpeg;
mod metadata;
mod render;
mod write;
mod xmp;

pub(super) use self::apple::{headroom, headroom_of_exif};
pub(super) use self::metadata::Metadata;
pub use self::render::{HDR_FILE, HdrPlan, render_hdr};

use self::xmp::Packet;
use super::ImageLimits;
use super::hdr::Light;
use super::header::Header;
use super::heif;
use media::formats::ImageFormat;

/// What the samples of a map mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meaning {
    /// Stops.
    Stops(Metadata),
    /// Light, of a picture that becomes so much brighter at most, as in files of Apple's telephones.
    Apple(f64),
}

/// Where the light beyond white comes from.
enum Source<'a> {
    /// The picture itself is of high dynamic range.
    Light(Light),
    /// Another JPEG in the file.
    Jpeg(&'a [u8], Meaning),
    /// Another item of the file.
    Item(Box<heif::GainMap<'a>>),
}

impl<'a> Source<'a> {
    /// Nothing of a picture that has no light beyond white, or moves.
    fn find(file: &'a [u8], header: &Header, limits: &ImageLimits) -> Option<Self> {
        if header.frames > 1 {
            return None;
        }
        if let Some(light) = header.color.light(header.layout) {
            return light.is_beyond_white().then_some(Self::Light(light));
        }
        match header.format {
            ImageFormat::Jpeg => jpeg::find(file).map(|(map, meaning)| Self::Jpeg(map, meaning)),
            ImageFormat::Avif | ImageFormat::Heic => {
                let map = heif::gain_map(file, limits)?;
                Some(Self::Item(Box::new(map)))
            }
            _ => None,
        }
    }
}

/// Whether a picture has light beyond white, by what its file says.
pub(super) fn is_there(file: &[u8], header: &Header, limits: &ImageLimits) -> bool {
    Source::find(file, header, limits).is_some()
}

/// What a packet of XMP says of how much brighter Apple's map makes a picture.
pub(super) fn headroom_of_packet(packet: &[u8]) -> Option<f64> {
    Packet::read(packet).headroom()
}
