//! The two codecs of bitstreams, and what their set-up says.

use media::Rejection;

use super::Bitstream;
use super::property::{Code, Property};
use super::samples::Planes;
use super::{av1, hevc};
use crate::image::reject;
use crate::image::{ImageError, ImageLimits};

/// How pictures are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Av1,
    Hevc,
}

/// A codec and what it must know before the first picture.
#[derive(Clone, Copy)]
pub(super) struct Setup<'a> {
    pub(super) codec: Codec,
    bytes: &'a [u8],
}

impl<'a> Setup<'a> {
    /// For a picture of that kind with those properties.
    pub(super) fn find(kind: [u8; 4], properties: &[&Property<'a>]) -> Result<Self, Rejection> {
        let codec = match &kind {
            b"av01" => Codec::Av1,
            b"hvc1" | b"hev1" => Codec::Hevc,
            kind => {
                let kind = String::from_utf8_lossy(kind).into_owned();
                return Err(reject::unsupported(format!("heif with a picture {kind}")));
            }
        };
        let mut properties = properties.iter();
        let bytes = properties.find_map(|property| match (codec, property) {
            (Codec::Av1, &&Property::Av1(bytes)) | (Codec::Hevc, &&Property::Hevc(bytes)) => {
                Some(bytes)
            }
            _ => None,
        });
        let bytes =
            bytes.ok_or_else(|| reject::corrupt("a picture without its decoder's set-up"))?;
        let setup = Self { codec, bytes };
        let long_enough = match codec {
            Codec::Av1 => 4,
            Codec::Hevc => hevc::FIXED,
        };
        if setup.bytes.len() < long_enough {
            return Err(reject::corrupt("a decoder's set-up that is too short"));
        }
        Ok(setup)
    }

    /// Bits of a sample.
    pub(super) fn bits(self) -> u8 {
        match self.codec {
            Codec::Av1 => match self.bytes[2] >> 5 & 3 {
                0 | 1 => 8,
                2 => 10,
                _ => 12,
            },
            Codec::Hevc => 8 + (self.bytes[17] & 7),
        }
    }

    /// Whether there is luma only.
    pub(super) fn is_grey(self) -> bool {
        match self.codec {
            Codec::Av1 => self.bytes[2] >> 4 & 1 == 1,
            Codec::Hevc => self.bytes[16].trailing_zeros() >= 2,
        }
    }

    /// Whether one colour is stored for two or four pixels.
    pub(super) fn has_half_colors(self) -> bool {
        const TWO_PIXELS: u8 = 2;
        match self.codec {
            Codec::Av1 => self.bytes[2] >> 3 & 1 == 1,
            Codec::Hevc => self.bytes[16] & 3 <= TWO_PIXELS,
        }
    }

    /// A decoder that has seen none of these pictures yet, which are about of that size.
    pub(super) fn decoder<'d>(
        self,
        (width, height): (u32, u32),
        pictures: &[&[u8]],
        decoded: &'d [u8],
    ) -> Result<Decoder<'d>, ImageError> {
        // Encoders may pad pictures.
        let most_pixels = width.saturating_mul(height).saturating_mul(4);
        Ok(match self.codec {
            Codec::Av1 => Decoder::Av1(av1::Decoder::new(most_pixels)?),
            Codec::Hevc => Decoder::Hevc(hevc::Frames::new(self.bytes, pictures, decoded)?),
        })
    }

    /// The bitstream of pictures that are decoded elsewhere, if they are.
    pub(super) fn bitstream(
        self,
        pictures: &[&[u8]],
        limits: &ImageLimits,
    ) -> Result<Option<(Vec<u8>, Bitstream)>, Rejection> {
        if self.codec == Codec::Av1 {
            return Ok(None);
        }
        let decoded_bytes = hevc::decoded_bytes(self.bytes, pictures, limits)?;
        let bytes = hevc::bitstream(self.bytes, pictures)?;
        Ok(Some((bytes, Bitstream { decoded_bytes })))
    }
}

/// The pictures of one stream, in order. Those of HEVC were decoded before.
pub(super) enum Decoder<'a> {
    Av1(av1::Decoder),
    Hevc(hevc::Frames<'a>),
}

impl Decoder<'_> {
    /// Decodes one picture, and has it used.
    pub(super) fn decode<T>(
        &mut self,
        bytes: &[u8],
        seen: impl FnOnce(&Planes) -> Result<T, ImageError>,
    ) -> Result<T, ImageError> {
        match self {
            Self::Av1(decoder) => decoder.decode(bytes, seen),
            Self::Hevc(frames) => frames.next(seen),
        }
    }
}

/// What samples mean: as the container says, or else the bitstream.
pub(super) fn code(container: Option<Code>, stream: Code) -> Code {
    container.unwrap_or(stream)
}
