//! HEVC by heic-rs, a decoder of still pictures without unsafe code.

mod sps;

use heic_rs::hevc::{ChromaFormat, decode_still};

use media::Rejection;

use super::samples::{Chroma, Plane, Planes};
use crate::image::ImageError;
use crate::image::bytes::Bytes;
use crate::image::reject;

/// Bytes of the set-up before its parameter sets, their number included (ISO/IEC 14496-15 §8.3.3.1).
pub(super) const FIXED: usize = 23;

/// A unit's kind, by its first byte.
fn kind(unit: &[u8]) -> u8 {
    unit.first().map_or(u8::MAX, |first| first >> 1 & 0x3F)
}

/// Kinds of units: sequence parameter sets, and all of parameter sets.
const SPS: u8 = 33;
const SETS: std::ops::RangeInclusive<u8> = 32..=34;
/// The first kind that holds no part of a picture.
const NO_PICTURE: u8 = 32;

/// Decodes one picture, which stands alone, and has it used.
pub(super) fn decode<T>(
    setup: &[u8],
    bytes: &[u8],
    seen: impl FnOnce(&Planes) -> Result<T, ImageError>,
) -> Result<T, ImageError> {
    let mut sets = parameter_sets(setup)?;
    let mut slices = Vec::new();
    let length = usize::from(setup[21] & 3) + 1;
    let mut rest = Bytes::new(bytes);
    while !rest.is_empty() {
        let size = rest.take(length)?;
        let size = size
            .iter()
            .fold(0, |size, &byte| size << 8 | usize::from(byte));
        let unit = rest.take(size)?;
        if SETS.contains(&kind(unit)) {
            sets.push(unit);
        } else if kind(unit) < NO_PICTURE {
            slices.push(unit);
        }
    }
    let code = sets.iter().find(|set| kind(set) == SPS);
    let code = code.and_then(|set| sps::code(set)).unwrap_or_default();
    let frame = decode_still(&sets, &slices).map_err(|error| refused(&error))?;
    frame.validate().map_err(|error| refused(&error))?;
    let plane = |samples: &[u16], stride: u32| -> (Vec<u8>, usize) {
        let bytes = samples.iter().flat_map(|sample| sample.to_ne_bytes());
        (bytes.collect(), stride as usize * 2)
    };
    let planes = [
        plane(&frame.y, frame.y_stride),
        plane(&frame.cb, frame.c_stride),
        plane(&frame.cr, frame.c_stride),
    ];
    seen(&Planes {
        width: frame.width,
        height: frame.height,
        bits: frame.bit_depth.into(),
        chroma: match frame.chroma {
            ChromaFormat::Monochrome => Chroma::None,
            ChromaFormat::Yuv420 => Chroma::Quarter,
            ChromaFormat::Yuv422 => Chroma::Half,
            ChromaFormat::Yuv444 => Chroma::All,
        },
        planes: [0, 1, 2].map(|index: usize| Plane {
            bytes: &planes[index].0,
            stride: planes[index].1,
            bytes_of_sample: 2,
        }),
        code,
    })
}

/// The parameter sets of a set-up.
fn parameter_sets(setup: &[u8]) -> Result<Vec<&[u8]>, Rejection> {
    let mut bytes = Bytes::new(setup);
    bytes.skip(FIXED - 1)?;
    let mut sets = Vec::new();
    for _ in 0..bytes.u8()? {
        bytes.skip(1)?; // their kind, which they say themselves
        for _ in 0..bytes.u16_be()? {
            let length = bytes.u16_be()?;
            let set = bytes.take(length.into())?;
            if SETS.contains(&kind(set)) {
                sets.push(set);
            }
        }
    }
    Ok(sets)
}

fn refused(error: &heic_rs::Error) -> Rejection {
    match error {
        heic_rs::Error::Unsupported(_) => reject::unsupported(format!("heic with {error}")),
        _ => reject::corrupt("the heic's picture data cannot be read"),
    }
}
