//! What the samples of a gain map mean: the numbers of ISO 21496-1, read and written in its binary form.

use media::Rejection;

use crate::image::bytes::Bytes;
use crate::image::reject;

/// Stops that a map may brighten or darken by: more than any screen will ever show.
const MOST_STOPS: f64 = 16.0;
/// Exponents that are no mistake.
const GAMMAS: std::ops::RangeInclusive<f64> = 0.01..=100.0;
/// What may be added to light, in parts of diffuse white.
const OFFSETS: std::ops::RangeInclusive<f64> = -1.0..=1.0;

/// The gain is different in each colour.
const MANY_CHANNELS: u8 = 0x80;
/// The gain is of light in the primaries of the base.
const COLORS_OF_BASE: u8 = 0x40;
/// Two marks of libultrahdr's: the base is the brighter picture, and all fractions have the same denominator.
const BACKWARD: u8 = 0x04;
const ONE_DENOMINATOR: u8 = 0x08;

/// The denominator of what is written. Numerators of all values that are taken fit.
const DENOMINATOR: i32 = 1_000_000;

/// Of one colour: the alternate picture is `(base + base_offset) * 2^gain - alternate_offset`, where the gain is
/// `min + (max - min) * sample^(1 / gamma)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::image) struct Channel {
    /// Stops that the darkest sample stands for.
    pub(in crate::image) min: f64,
    /// Stops that the brightest sample stands for.
    pub(in crate::image) max: f64,
    pub(in crate::image) gamma: f64,
    pub(in crate::image) base_offset: f64,
    pub(in crate::image) alternate_offset: f64,
}

/// Of a map whose base is for screens with no light to spare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::image) struct Metadata {
    /// Red, green and blue.
    pub(in crate::image) channels: [Channel; 3],
    /// Stops above diffuse white from which on the gain begins to be applied, and at which all of it is.
    pub(in crate::image) base_headroom: f64,
    pub(in crate::image) alternate_headroom: f64,
}

impl Metadata {
    /// Of a map whose samples are evenly spaced from `min` to `max` stops, the same in every colour.
    pub(in crate::image) fn even(min: f64, max: f64, headroom: f64) -> Option<Self> {
        let channel = Channel {
            min,
            max,
            gamma: 1.0,
            base_offset: 0.0,
            alternate_offset: 0.0,
        };
        let even = Self {
            channels: [channel; 3],
            base_headroom: 0.0,
            alternate_headroom: headroom,
        };
        even.sane()
    }

    /// Itself, unless a number is none, out of all reason, or contradicts another.
    pub(in crate::image) fn sane(self) -> Option<Self> {
        // What is not a number is in no range.
        let stops = -MOST_STOPS..=MOST_STOPS;
        let is_sane = |channel: &Channel| {
            stops.contains(&channel.min)
                && stops.contains(&channel.max)
                && channel.min <= channel.max
                && GAMMAS.contains(&channel.gamma)
                && OFFSETS.contains(&channel.base_offset)
                && OFFSETS.contains(&channel.alternate_offset)
        };
        let headrooms = (0.0..self.alternate_headroom).contains(&self.base_headroom)
            && self.alternate_headroom <= MOST_STOPS;
        (headrooms && self.channels.iter().all(is_sane)).then_some(self)
    }

    /// Whether one number stands for all colours.
    pub(in crate::image) fn is_even(&self) -> bool {
        self.channels
            .iter()
            .all(|channel| *channel == self.channels[0])
    }

    /// From the binary form. Nothing of one that is broken, for later versions of readers, or of a base that is the
    /// brighter picture.
    pub(in crate::image) fn read(bytes: &[u8]) -> Option<Self> {
        Self::parse(&mut Bytes::new(bytes)).ok()?.sane()
    }

    fn parse(bytes: &mut Bytes) -> Result<Self, Rejection> {
        let (for_readers, _writer) = (bytes.u16_be()?, bytes.u16_be()?);
        let flags = bytes.u8()?;
        if for_readers != 0 || flags & BACKWARD != 0 {
            return Err(reject::unsupported("a gain map of another kind"));
        }
        let common = match flags & ONE_DENOMINATOR {
            0 => None,
            _ => Some(bytes.u32_be()?),
        };
        let unsigned = |bytes: &mut Bytes| fraction(bytes.u32_be()?.into(), bytes, common);
        let base_headroom = unsigned(bytes)?;
        let alternate_headroom = unsigned(bytes)?;
        let mut channel = || {
            let signed =
                |bytes: &mut Bytes| fraction(bytes.u32_be()?.cast_signed().into(), bytes, common);
            Ok::<_, Rejection>(Channel {
                min: signed(bytes)?,
                max: signed(bytes)?,
                gamma: unsigned(bytes)?,
                base_offset: signed(bytes)?,
                alternate_offset: signed(bytes)?,
            })
        };
        let first = channel()?;
        let channels = if flags & MANY_CHANNELS == 0 {
            [first; 3]
        } else {
            [first, channel()?, channel()?]
        };
        Ok(Self {
            channels,
            base_headroom,
            alternate_headroom,
        })
    }

    /// In the binary form.
    pub(in crate::image) fn write(&self) -> Vec<u8> {
        let mut bytes = vec![0; 4];
        let (flags, channels) = if self.is_even() {
            (COLORS_OF_BASE, &self.channels[..1])
        } else {
            (COLORS_OF_BASE | MANY_CHANNELS, &self.channels[..])
        };
        bytes.push(flags);
        let mut put = |value: f64| {
            #[expect(clippy::cast_possible_truncation, reason = "sane values fit")]
            let numerator = (value * f64::from(DENOMINATOR)).round() as i32;
            bytes.extend(numerator.to_be_bytes());
            bytes.extend(DENOMINATOR.to_be_bytes());
        };
        put(self.base_headroom);
        put(self.alternate_headroom);
        for channel in channels {
            put(channel.min);
            put(channel.max);
            put(channel.gamma);
            put(channel.base_offset);
            put(channel.alternate_offset);
        }
        bytes
    }
}

/// A numerator with its denominator, which follows unless all have the same. Divided by nothing, it is no number.
fn fraction(above: i64, bytes: &mut Bytes, common: Option<u32>) -> Result<f64, Rejection> {
    let below = match common {
        Some(below) => below,
        None => bytes.u32_be()?,
    };
    #[expect(clippy::cast_precision_loss, reason = "at most 33 bits")]
    let above = above as f64;
    Ok(if below == 0 {
        f64::NAN
    } else {
        above / f64::from(below)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uneven() -> Metadata {
        let mut metadata = Metadata::even(-0.5, 2.25, 2.25).unwrap();
        metadata.channels[1].max = 2.0;
        metadata.channels[2].gamma = 0.5;
        metadata.channels[2].base_offset = 0.015_625;
        metadata
    }

    #[test]
    fn what_is_written_is_read() {
        for metadata in [uneven(), Metadata::even(1.0, 5.5, 5.5).unwrap()] {
            assert_eq!(Metadata::read(&metadata.write()), Some(metadata));
        }
    }

    #[test]
    fn one_denominator_may_stand_for_all() {
        let numbers = [10_u32, 0, 20, 0, 20, 10, 1, 1];
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
        let read =
            Metadata::read(&[&[0, 0, 0, 0, COLORS_OF_BASE | ONE_DENOMINATOR], &*bytes].concat());
        let read = read.unwrap();
        assert_eq!((read.alternate_headroom, read.channels[2].max), (2.0, 2.0));
        assert_eq!(read.channels[0].base_offset.to_string(), "0.1");
    }

    #[test]
    fn broken_numbers_are_none() {
        let whole = uneven().write();
        for length in 0..whole.len() {
            assert_eq!(Metadata::read(&whole[..length]), None, "{length}");
        }
        // From the headrooms on, each number has a denominator.
        for at in (9..whole.len()).step_by(8) {
            let mut broken = whole.clone();
            broken[at..at + 4].fill(0);
            assert_eq!(Metadata::read(&broken), None, "denominator at {at}");
        }
        for (at, byte) in [(1, 1), (4, BACKWARD | COLORS_OF_BASE)] {
            let mut broken = whole.clone();
            broken[at] = byte;
            assert_eq!(Metadata::read(&broken), None, "byte {at}");
        }
    }

    #[test]
    fn numbers_out_of_all_reason_are_none() {
        let changed = |change: &dyn Fn(&mut Metadata)| {
            let mut metadata = uneven();
            change(&mut metadata);
            metadata.sane()
        };
        assert!(changed(&|_| ()).is_some());
        for odd in [f64::NAN, f64::INFINITY, -f64::INFINITY, 17.0, -17.0] {
            assert_eq!(changed(&|m| m.channels[0].min = odd), None);
            assert_eq!(changed(&|m| m.channels[1].max = odd), None);
            assert_eq!(changed(&|m| m.channels[2].base_offset = odd), None);
            assert_eq!(changed(&|m| m.channels[2].alternate_offset = odd), None);
            assert_eq!(changed(&|m| m.base_headroom = odd), None);
            assert_eq!(changed(&|m| m.alternate_headroom = odd), None);
        }
        for gamma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(changed(&|m| m.channels[0].gamma = gamma), None);
        }
        assert_eq!(changed(&|m| m.channels[0].max = -1.0), None);
        assert_eq!(changed(&|m| m.alternate_headroom = 0.0), None);
        assert_eq!(changed(&|m| m.base_headroom = 2.25), None);
    }
}
