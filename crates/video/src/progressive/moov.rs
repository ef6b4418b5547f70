//! What stands before the samples: which tracks there are, and of each sample when it is shown and where it is
//! (ISO/IEC 14496-12 §8).

use crate::hls::language;
use crate::mp4::{Boxes, Media, Mp4Error, find};
use crate::progressive::Track;

/// Ticks in a second of what is of no track.
const TIMESCALE: u32 = 1000;
/// Nothing turned, nothing scaled.
const UPRIGHT: [u32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];
/// `tkhd`: the track is part of the film.
const IN_MOVIE: u32 = 0x2;
/// `tkhd`: the track is played unless another is chosen.
const ENABLED: u32 = 0x1;
/// The group of which one track is played.
const SOUNDS: u16 = 1;

/// Writes which kind of file it is.
pub(super) fn file_type(out: &mut Vec<u8>) {
    boxed(out, *b"ftyp", |out| {
        out.extend(b"isom");
        out.extend(0x200_u32.to_be_bytes());
        out.extend(b"isomiso2avc1mp41");
    });
}

/// Writes `moov`. `offsets` are those of the chunks of each track.
pub(super) fn write(
    out: &mut Vec<u8>,
    tracks: &[Track],
    offsets: &[Vec<u64>],
    duration_us: u64,
) -> Result<(), Mp4Error> {
    let mut edits = Vec::new();
    for track in tracks {
        let before = track.before_start()?;
        let plays = in_ticks_of_movie(track.plays()?, track.facts.timescale)
            .min(duration_us.div_ceil(1_000_000 / u64::from(TIMESCALE)));
        edits.push((u32_of(plays)?, before));
    }
    let longest = edits.iter().map(|(plays, _)| *plays).max().unwrap_or(0);
    try_boxed(out, *b"moov", |out| {
        movie_header(out, longest, tracks.len());
        for (number, track) in tracks.iter().enumerate() {
            let (plays, before) = edits[number];
            try_boxed(out, *b"trak", |out| {
                track_header(out, track, number, plays);
                edit(out, plays, before)?;
                media(out, track, &offsets[number])
            })?;
        }
        Ok(())
    })
}

/// `mvhd`, of version 0: no film is longer than 49 days.
fn movie_header(out: &mut Vec<u8>, duration: u32, tracks: usize) {
    full(out, *b"mvhd", 0, 0, |out| {
        words(out, &[0, 0, TIMESCALE, duration]);
        // At normal speed and volume.
        words(out, &[0x0001_0000, 0x0100_0000, 0, 0]);
        words(out, &UPRIGHT);
        words(out, &[0; 6]);
        let next = u32::try_from(tracks + 1).unwrap_or(u32::MAX);
        words(out, &[next]);
    });
}

fn track_header(out: &mut Vec<u8>, track: &Track, number: usize, duration: u32) {
    let (group, volume, width, height) = match track.facts.media {
        Media::Video { width, height } => (0, 0, width, height),
        Media::Audio { .. } => (SOUNDS, 0x0100, 0, 0),
    };
    let enabled = if track.default { ENABLED } else { 0 };
    full(out, *b"tkhd", 0, IN_MOVIE | enabled, |out| {
        let id = u32::try_from(number + 1).unwrap_or(u32::MAX);
        words(out, &[0, 0, id, 0, duration, 0, 0]);
        for half in [0, group, volume, 0] {
            out.extend(u16::to_be_bytes(half));
        }
        words(out, &UPRIGHT);
        words(out, &[u32::from(width) << 16, u32::from(height) << 16]);
    });
}

/// `edts`: what is before the film's start is decoded, and neither shown nor heard.
fn edit(out: &mut Vec<u8>, plays: u32, before: u64) -> Result<(), Mp4Error> {
    let before = u32_of(before)?;
    boxed(out, *b"edts", |out| {
        full(out, *b"elst", 0, 0, |out| {
            words(out, &[1, plays, before, 0x0001_0000]);
        });
    });
    Ok(())
}

fn media(out: &mut Vec<u8>, track: &Track, offsets: &[u64]) -> Result<(), Mp4Error> {
    let mdia = find(&track.init, &[b"moov", b"trak", b"mdia"])?;
    let code = track.language.as_deref();
    try_boxed(out, *b"mdia", |out| {
        full(out, *b"mdhd", 1, 0, |out| {
            out.extend([0; 16]);
            words(out, &[track.facts.timescale]);
            out.extend(track.ticks.to_be_bytes());
            out.extend(packed(code).to_be_bytes());
            out.extend([0; 2]);
        });
        if let Some(tag) = code.and_then(language::tag) {
            full(out, *b"elng", 0, 0, |out| {
                out.extend(tag.as_bytes());
                out.push(0);
            });
        }
        boxed(out, *b"hdlr", |out| {
            out.extend(find(mdia, &[b"hdlr"]).unwrap_or_default());
        });
        try_boxed(out, *b"minf", |out| {
            let minf = find(mdia, &[b"minf"])?;
            for found in Boxes(minf) {
                let (kind, content) = found?;
                if kind != *b"stbl" {
                    boxed(out, kind, |out| out.extend(content));
                }
            }
            let stsd = find(minf, &[b"stbl", b"stsd"])?;
            boxed(out, *b"stbl", |out| {
                boxed(out, *b"stsd", |out| out.extend(stsd));
                samples(out, track, offsets);
            });
            Ok(())
        })
    })
}

/// The tables of samples.
fn samples(out: &mut Vec<u8>, track: &Track, offsets: &[u64]) {
    let pairs = |out: &mut Vec<u8>, runs: &mut dyn ExactSizeIterator<Item = (u32, u32)>| {
        words(out, &[count(runs.len())]);
        for (count, value) in runs {
            words(out, &[count, value]);
        }
    };
    full(out, *b"stts", 0, 0, |out| {
        pairs(out, &mut track.durations.0.iter().copied());
    });
    if track.shown_later.0 != [(count(track.sizes.len()), 0)] {
        full(out, *b"ctts", 1, 0, |out| {
            let runs = track.shown_later.0.iter();
            pairs(
                out,
                &mut runs.map(|&(count, later)| (count, later.cast_unsigned())),
            );
        });
    }
    if track.sync.len() != track.sizes.len() {
        full(out, *b"stss", 0, 0, |out| {
            words(out, &[count(track.sync.len())]);
            words(out, &track.sync);
        });
    }
    full(out, *b"stsc", 0, 0, |out| chunks(out, track));
    full(out, *b"stsz", 0, 0, |out| {
        words(out, &[0, count(track.sizes.len())]);
        words(out, &track.sizes);
    });
    full(out, *b"co64", 0, 0, |out| {
        words(out, &[count(offsets.len())]);
        out.extend(offsets.iter().flat_map(|offset| offset.to_be_bytes()));
    });
}

/// How many samples the chunks have: an entry for each that has another number of them than the one before.
fn chunks(out: &mut Vec<u8>, track: &Track) {
    let mut entries: Vec<[u32; 3]> = Vec::new();
    for (number, chunk) in track.chunks().iter().enumerate() {
        if entries.last().is_none_or(|last| last[1] != chunk.samples) {
            entries.push([count(number + 1), chunk.samples, 1]);
        }
    }
    words(out, &[count(entries.len())]);
    for entry in entries {
        words(out, &entry);
    }
}

/// Three letters of five bits each, as `mdhd` has them; `und` for what has no such code.
fn packed(code: Option<&str>) -> u16 {
    let is_code =
        |code: &&str| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_lowercase());
    let code = code.filter(is_code).unwrap_or("und");
    code.bytes()
        .fold(0, |packed, letter| packed << 5 | u16::from(letter - 0x60))
}

fn in_ticks_of_movie(ticks: u64, timescale: u32) -> u64 {
    let ticks = u128::from(ticks) * u128::from(TIMESCALE);
    u64::try_from(ticks.div_ceil(u128::from(timescale))).unwrap_or(u64::MAX)
}

fn u32_of(value: u64) -> Result<u32, Mp4Error> {
    u32::try_from(value).map_err(|_| Mp4Error("a film that is too long"))
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

fn words(out: &mut Vec<u8>, words: &[u32]) {
    out.extend(words.iter().flat_map(|word| word.to_be_bytes()));
}

fn boxed(out: &mut Vec<u8>, kind: [u8; 4], content: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.extend([0; 4]);
    out.extend(kind);
    content(out);
    let size = count(out.len() - begin);
    out[begin..begin + 4].copy_from_slice(&size.to_be_bytes());
}

fn try_boxed(
    out: &mut Vec<u8>,
    kind: [u8; 4],
    content: impl FnOnce(&mut Vec<u8>) -> Result<(), Mp4Error>,
) -> Result<(), Mp4Error> {
    let mut result = Ok(());
    boxed(out, kind, |out| result = content(out));
    result
}

/// A box with a version and flags.
fn full(
    out: &mut Vec<u8>,
    kind: [u8; 4],
    version: u8,
    flags: u32,
    content: impl FnOnce(&mut Vec<u8>),
) {
    boxed(out, kind, |out| {
        words(out, &[u32::from(version) << 24 | flags]);
        content(out);
    });
}
