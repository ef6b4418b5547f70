//! The initialisation of a rendition: what the segments after it are of.

use serde::{Deserialize, Serialize};

use crate::mp4::Mp4Error;
use crate::mp4::boxes::{array_at, find, u8_at, u16_at, u32_at};

/// What an initialisation says of its only track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Init {
    /// Ticks in a second.
    pub timescale: u32,
    /// The codec with its profile as playlists name it (RFC 6381), as `avc1.64001f`.
    pub codec: String,
    /// What the track is.
    pub media: Media,
}

/// Pictures or sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Media {
    /// Pictures.
    Video {
        /// Width in pixels.
        width: u16,
        /// Height in pixels.
        height: u16,
    },
    /// Sound.
    Audio {
        channels: u16,
        /// Samples in a second.
        sample_rate: u16,
    },
}

impl Init {
    /// Reads `ftyp` and `moov`.
    pub fn read(bytes: &[u8]) -> Result<Self, Mp4Error> {
        let mdia = find(bytes, &[b"moov", b"trak", b"mdia"])?;
        let mdhd = find(mdia, &[b"mdhd"])?;
        let timescale = u32_at(mdhd, if u8_at(mdhd, 0)? == 1 { 20 } else { 12 })?;
        if timescale == 0 {
            return Err(Mp4Error("a clock that stands"));
        }
        let stsd = find(mdia, &[b"minf", b"stbl", b"stsd"])?;
        let entries = stsd.get(8..).ok_or(Mp4Error("a box ends too early"))?;
        let kind = array_at::<4>(entries, 4)?;
        let (codec, track) = match &kind {
            b"avc1" | b"avc3" => video(entries, kind)?,
            b"mp4a" => audio(entries)?,
            _ => return Err(Mp4Error("a codec that is not made here")),
        };
        Ok(Self {
            timescale,
            codec,
            media: track,
        })
    }
}

fn video(entries: &[u8], kind: [u8; 4]) -> Result<(String, Media), Mp4Error> {
    let entry = find(entries, &[&kind])?;
    let media = Media::Video {
        width: u16_at(entry, 24)?,
        height: u16_at(entry, 26)?,
    };
    let inside = entry.get(78..).ok_or(Mp4Error("a box ends too early"))?;
    let [_, profile, constraints, level] = array_at(find(inside, &[b"avcC"])?, 0)?;
    let name = String::from_utf8_lossy(&kind).into_owned();
    Ok((
        format!("{name}.{profile:02x}{constraints:02x}{level:02x}"),
        media,
    ))
}

fn audio(entries: &[u8]) -> Result<(String, Media), Mp4Error> {
    let entry = find(entries, &[b"mp4a"])?;
    let inside = entry.get(28..).ok_or(Mp4Error("a box ends too early"))?;
    let esds = find(inside, &[b"esds"])?;
    let [first, second] = audio_specific_config(esds.get(4..).unwrap_or_default())?;
    let kind = first >> 3;
    let media = Media::Audio {
        // What stands in the entry itself is always two.
        channels: u16::from(second >> 3 & 0b1111),
        sample_rate: u16_at(entry, 24)?,
    };
    Ok((format!("mp4a.40.{kind}"), media))
}

/// The start of an `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1) in an `esds`: descriptors in each other, the
/// innermost the decoder's own.
fn audio_specific_config(mut bytes: &[u8]) -> Result<[u8; 2], Mp4Error> {
    loop {
        let tag = u8_at(bytes, 0)?;
        let mut at = 1;
        // A length of seven bits a byte.
        while u8_at(bytes, at)? & 0x80 != 0 {
            at += 1;
        }
        at += 1;
        // What stands before the next descriptor.
        at += match tag {
            3 => 3,
            4 => 13,
            5 => return array_at(bytes, at),
            _ => return Err(Mp4Error("a descriptor that is not known")),
        };
        bytes = bytes.get(at..).ok_or(Mp4Error("a box ends too early"))?;
    }
}
