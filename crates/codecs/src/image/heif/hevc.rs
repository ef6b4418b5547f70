//! HEVC: bitstreams as ffmpeg reads them, and the pictures that ffmpeg decoded of them.

mod sps;

use media::{Rejection, RejectionCode};

use self::sps::Sps;
use super::samples::{Plane, Planes};
use crate::image::bytes::Bytes;
use crate::image::reject;
use crate::image::{ImageError, ImageLimits};

/// Bytes of the set-up before its parameter sets, their number included (ISO/IEC 14496-15 §8.3.3.1).
pub(super) const FIXED: usize = 23;

/// Kinds of units: sequence parameter sets, and all of parameter sets.
const SPS: u8 = 33;
const SETS: std::ops::RangeInclusive<u8> = 32..=34;
/// The first kind that holds no part of a picture.
const NO_PICTURE: u8 = 32;

/// A unit's kind, by its first byte.
fn kind(unit: &[u8]) -> u8 {
    unit.first().map_or(u8::MAX, |first| first >> 1 & 0x3F)
}

/// Whether a unit belongs to the picture itself, not to a layer on top of it, such as the other eye's.
fn is_base(unit: &[u8]) -> bool {
    matches!(unit, [first, second, ..] if first & 1 == 0 && second >> 3 == 0)
}

/// The units of pictures in a row, each with its start code (ITU-T H.265 annex B). Every picture stands alone, so each
/// brings its parameter sets.
pub(super) fn bitstream(setup: &[u8], pictures: &[&[u8]]) -> Result<Vec<u8>, Rejection> {
    const START_CODE: [u8; 4] = [0, 0, 0, 1];
    let sets = parameter_sets(setup)?;
    let mut stream = Vec::new();
    for picture in pictures {
        let units = units(setup, picture)?;
        let kept = units
            .iter()
            .filter(|unit| kind(unit) < NO_PICTURE || SETS.contains(&kind(unit)));
        for unit in sets.iter().chain(kept).filter(|unit| is_base(unit)) {
            stream.extend_from_slice(&START_CODE);
            stream.extend_from_slice(unit);
        }
    }
    Ok(stream)
}

/// Bytes of so many decoded pictures.
pub(super) fn decoded_bytes(
    setup: &[u8],
    pictures: &[&[u8]],
    limits: &ImageLimits,
) -> Result<u64, Rejection> {
    let sps = parameters(setup, pictures)?;
    limits.check_size(sps.width, sps.height)?;
    // Pictures may be larger than the tiles that they are announced as, and as many as a grid has.
    let pixels = u64::from(sps.width) * u64::from(sps.height);
    let all = pixels.saturating_mul(pictures.len() as u64);
    let most = limits.max_pixels.saturating_mul(2);
    if all > most {
        let code = RejectionCode::TooManyPixels;
        return Err(reject::over(code, most, all, "px of tiles"));
    }
    Ok(sps.lengths().iter().sum::<usize>() as u64 * pictures.len() as u64)
}

/// Decoded pictures, one behind the other.
pub(super) struct Frames<'a> {
    sps: Sps,
    rest: Bytes<'a>,
}

impl<'a> Frames<'a> {
    pub(super) fn new(
        setup: &[u8],
        pictures: &[&[u8]],
        decoded: &'a [u8],
    ) -> Result<Self, Rejection> {
        Ok(Self {
            sps: parameters(setup, pictures)?,
            rest: Bytes::new(decoded),
        })
    }

    /// Has the next one used.
    pub(super) fn next<T>(
        &mut self,
        seen: impl FnOnce(&Planes) -> Result<T, ImageError>,
    ) -> Result<T, ImageError> {
        let sps = &self.sps;
        let bytes_of_sample = sps.bytes_of_sample();
        let mut planes = [Plane::default(); 3];
        let lengths = sps.lengths();
        for (index, (plane, length)) in planes.iter_mut().zip(lengths).enumerate() {
            let width = if index == 0 {
                sps.width
            } else {
                sps.chroma_size().0
            };
            *plane = Plane {
                bytes: self.rest.take(length).map_err(|_| broken())?,
                stride: width as usize * bytes_of_sample,
                bytes_of_sample,
            };
        }
        seen(&Planes {
            width: sps.width,
            height: sps.height,
            bits: sps.bits,
            chroma: sps.chroma,
            samples: planes,
            code: sps.code,
        })
    }
}

/// Of bitstreams that ffmpeg could not decode, or not all of.
pub(super) fn broken() -> Rejection {
    reject::corrupt("the heic's picture data cannot be read")
}

/// The parameters of a sequence of pictures: those that stand with the first of them, or else in the set-up.
fn parameters(setup: &[u8], pictures: &[&[u8]]) -> Result<Sps, Rejection> {
    let first = pictures.first().copied().unwrap_or_default();
    let mut sets = units(setup, first)?;
    sets.extend(parameter_sets(setup)?);
    let set = sets.iter().find(|set| kind(set) == SPS && is_base(set));
    let set = set.ok_or_else(|| reject::corrupt("a heic without its parameters"))?;
    Sps::read(set)
}

/// The units of a picture, each of which has its length before it.
fn units<'a>(setup: &[u8], picture: &'a [u8]) -> Result<Vec<&'a [u8]>, Rejection> {
    let width = setup.get(FIXED - 2).copied().unwrap_or_default();
    let width = usize::from(width & 3) + 1;
    let mut rest = Bytes::new(picture);
    let mut units = Vec::new();
    while !rest.is_empty() {
        let length = rest.take(width)?.iter();
        let length = length.fold(0, |length, &byte| length << 8 | usize::from(byte));
        units.push(rest.take(length)?);
    }
    Ok(units)
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
