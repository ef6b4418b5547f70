//! A fragment: the times and sizes of its samples.

use crate::mp4::Mp4Error;
use crate::mp4::boxes::{find, u8_at, u32_at, u64_at};

/// One picture, or one frame of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// How long it stands, in ticks.
    pub duration: u32,
    /// Its size in bytes.
    pub size: u32,
    /// How much later it is shown than decoded, in ticks.
    pub shown_later: i32,
    /// It can be decoded without others.
    pub sync: bool,
}

/// A `moof`, of one track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// When its first sample is decoded, in ticks (`tfdt`).
    pub decode_time: u64,
    /// Its samples in the order of decoding; at least one.
    pub samples: Vec<Sample>,
}

/// A sample that needs others has this flag.
const NOT_SYNC: u32 = 0x0001_0000;
/// The most samples of a fragment: an hour at 60 Hz is fewer.
const MOST_SAMPLES: u32 = 250_000;

impl Fragment {
    /// Reads the content of a `moof`.
    pub fn read(moof: &[u8]) -> Result<Self, Mp4Error> {
        let traf = find(moof, &[b"traf"])?;
        let tfdt = find(traf, &[b"tfdt"])?;
        let decode_time = if u8_at(tfdt, 0)? == 1 {
            u64_at(tfdt, 4)?
        } else {
            u32_at(tfdt, 4)?.into()
        };
        let defaults = Defaults::read(find(traf, &[b"tfhd"])?)?;
        let samples = samples(find(traf, &[b"trun"])?, defaults)?;
        if samples.is_empty() {
            return Err(Mp4Error("a fragment without samples"));
        }
        Ok(Self {
            decode_time,
            samples,
        })
    }

    /// How long all samples stand, in ticks.
    pub fn duration(&self) -> u64 {
        self.samples
            .iter()
            .map(|sample| u64::from(sample.duration))
            .sum()
    }

    /// When the sample is shown that is shown first, in ticks.
    pub fn first_shown(&self) -> Option<u64> {
        let mut decoded = self.decode_time;
        let shown = self.samples.iter().filter_map(|sample| {
            let at = decoded.checked_add_signed(sample.shown_later.into());
            decoded += u64::from(sample.duration);
            at
        });
        shown.min()
    }

    /// Makes `first_shown` the time at which the first sample is shown, in the bytes of a `moof`
    /// (its head counted), and `number` its sequence number.
    pub fn retime(&self, moof: &mut [u8], first_shown: u64, number: u32) -> Result<(), Mp4Error> {
        let later = self
            .first_shown()
            .and_then(|shown| shown.checked_sub(self.decode_time));
        let decode_time = later.and_then(|later| first_shown.checked_sub(later));
        let decode_time = decode_time.ok_or(Mp4Error("times that begin before the clock"))?;
        let at = offset_of(moof, &[b"traf", b"tfdt"])?;
        if moof[at] != 1 {
            return Err(Mp4Error("a short clock"));
        }
        moof.get_mut(at + 4..at + 12)
            .ok_or(Mp4Error("a box ends too early"))?
            .copy_from_slice(&decode_time.to_be_bytes());
        let at = offset_of(moof, &[b"mfhd"])?;
        moof.get_mut(at + 4..at + 8)
            .ok_or(Mp4Error("a box ends too early"))?
            .copy_from_slice(&number.to_be_bytes());
        Ok(())
    }
}

/// Where the content of the box at `path` begins in a whole `moof`.
fn offset_of(moof: &[u8], path: &[&[u8; 4]]) -> Result<usize, Mp4Error> {
    let inside = moof.get(8..).ok_or(Mp4Error("a box ends too early"))?;
    let found = find(inside, path)?;
    Ok(found.as_ptr() as usize - moof.as_ptr() as usize)
}

#[derive(Clone, Copy, Default)]
struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

impl Defaults {
    fn read(tfhd: &[u8]) -> Result<Self, Mp4Error> {
        let flags = u32_at(tfhd, 0)? & 0x00ff_ffff;
        let mut at = 8;
        if flags & 0x1 != 0 {
            at += 8;
        }
        if flags & 0x2 != 0 {
            at += 4;
        }
        let mut optional = |flag| -> Result<u32, Mp4Error> {
            if flags & flag == 0 {
                return Ok(0);
            }
            let value = u32_at(tfhd, at)?;
            at += 4;
            Ok(value)
        };
        Ok(Self {
            duration: optional(0x8)?,
            size: optional(0x10)?,
            flags: optional(0x20)?,
        })
    }
}

fn samples(trun: &[u8], defaults: Defaults) -> Result<Vec<Sample>, Mp4Error> {
    let flags = u32_at(trun, 0)? & 0x00ff_ffff;
    let count = u32_at(trun, 4)?;
    if count > MOST_SAMPLES {
        return Err(Mp4Error("too many samples"));
    }
    let mut at = 8;
    let mut next = |present: bool| -> Result<Option<u32>, Mp4Error> {
        if !present {
            return Ok(None);
        }
        let value = u32_at(trun, at)?;
        at += 4;
        Ok(Some(value))
    };
    next(flags & 0x1 != 0)?; // where the data are
    let first_flags = next(flags & 0x4 != 0)?;
    let mut samples = Vec::new();
    for number in 0..count {
        let duration = next(flags & 0x100 != 0)?.unwrap_or(defaults.duration);
        let size = next(flags & 0x200 != 0)?.unwrap_or(defaults.size);
        let own_flags = next(flags & 0x400 != 0)?;
        let shown_later = next(flags & 0x800 != 0)?.unwrap_or(0).cast_signed();
        let first = first_flags.filter(|_| number == 0);
        let sync = own_flags.or(first).unwrap_or(defaults.flags) & NOT_SYNC == 0;
        samples.push(Sample {
            duration,
            size,
            shown_later,
            sync,
        });
    }
    Ok(samples)
}
