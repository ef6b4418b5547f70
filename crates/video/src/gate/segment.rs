//! One segment, read and measured.

use crate::gate::kind::Kind;
use crate::mp4::{Boxes, Fragment, Mp4Error};

/// A segment as it was found.
#[derive(Clone)]
pub struct SegmentFacts {
    pub file: String,
    pub bytes: u64,
    /// Seconds that the playlist names.
    pub declared: f64,
    /// Seconds that its samples stand.
    pub measured: f64,
    /// When its first sample is shown, in seconds of the clock.
    pub shown: f64,
    /// When its first sample is decoded, in ticks.
    pub decoded: u64,
    /// How long its samples stand, in ticks.
    pub ticks: u64,
    pub samples: u64,
    /// Its first sample is an IDR picture, or it is no picture.
    pub begins_with_idr: bool,
    /// There are IDR pictures after the first sample.
    pub more_keyframes: bool,
    /// Bytes from the start that hold the first sample.
    pub first_sample_end: u64,
}

/// A segment of subtitles.
pub fn text(file: String, bytes: &[u8], declared: f64) -> SegmentFacts {
    SegmentFacts {
        file,
        bytes: bytes.len() as u64,
        declared,
        measured: declared,
        shown: 0.0,
        decoded: 0,
        ticks: 0,
        samples: 0,
        begins_with_idr: bytes.starts_with(b"WEBVTT"),
        more_keyframes: false,
        first_sample_end: 0,
    }
}

/// A segment of pictures or sound.
pub fn media(
    file: String,
    bytes: &[u8],
    declared: f64,
    timescale: u32,
    kind: Kind,
) -> Result<SegmentFacts, Mp4Error> {
    let (mut fragment, mut data, mut first_sample) = (None, None, 0);
    for found in Boxes(bytes) {
        match found? {
            (kind, moof) if kind == *b"moof" && fragment.is_none() => {
                fragment = Some(Fragment::read(moof)?);
            }
            (kind, mdat) if kind == *b"mdat" && data.is_none() => {
                data = Some(mdat);
                first_sample = mdat.as_ptr() as usize - bytes.as_ptr() as usize;
            }
            (kind, _) if kind == *b"moof" || kind == *b"mdat" => {
                return Err(Mp4Error("more than one fragment"));
            }
            _ => {}
        }
    }
    let fragment = fragment.ok_or(Mp4Error("no times"))?;
    let data = data.ok_or(Mp4Error("no data"))?;
    let sizes: u64 = fragment
        .samples
        .iter()
        .map(|sample| u64::from(sample.size))
        .sum();
    if sizes != data.len() as u64 {
        return Err(Mp4Error("samples that do not fill their data"));
    }
    let size = fragment.samples[0].size;
    let first = data.get(..size as usize).unwrap_or_default();
    let shown = fragment
        .first_shown()
        .ok_or(Mp4Error("a time below zero"))?;
    let pictures = kind != Kind::Sound;
    Ok(SegmentFacts {
        file,
        bytes: bytes.len() as u64,
        declared,
        measured: seconds(fragment.duration(), timescale),
        shown: seconds(shown, timescale),
        decoded: fragment.decode_time,
        ticks: fragment.duration(),
        samples: fragment.samples.len() as u64,
        begins_with_idr: !pictures || (fragment.samples[0].sync && has_idr(first)),
        more_keyframes: pictures && fragment.samples[1..].iter().any(|sample| sample.sync),
        first_sample_end: first_sample as u64 + u64::from(size),
    })
}

/// Whether a sample of H.264 has a slice of an IDR picture: units with a length of four bytes before
/// each, of which the kind 5 is that.
fn has_idr(mut sample: &[u8]) -> bool {
    while let Some((length, rest)) = sample.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        if rest.first().is_some_and(|byte| byte & 0x1f == 5) {
            return true;
        }
        sample = rest.get(length..).unwrap_or_default();
    }
    false
}

/// Ticks of a track as seconds; `timescale` is ticks per second.
#[expect(clippy::cast_precision_loss, reason = "ticks of some hours")]
pub fn seconds(ticks: u64, timescale: u32) -> f64 {
    ticks as f64 / f64::from(timescale)
}
