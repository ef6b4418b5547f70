//! Why a film or a sound is not taken in, in a form that a client can act on.

use serde::{Deserialize, Serialize};

/// The kind of a refusal. Stable: clients match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// Nothing to look at: sound alone, subtitles alone, a cover.
    NoVideo,
    /// Moving pictures, where a sound alone was looked for.
    HasVideo,
    /// Nothing to listen to.
    NoSound,
    /// A track of sound without a sample.
    Empty,
    /// Not a container that is taken in.
    UnsupportedContainer,
    /// Pictures or sound of a codec that is not decoded.
    UnsupportedCodec,
    /// Protected by DRM.
    Encrypted,
    /// Too many bytes.
    TooLarge,
    /// Plays for too long.
    TooLong,
    /// Pictures of too many pixels.
    TooManyPixels,
    /// Pictures of too few pixels.
    TooSmall,
    /// Too many tracks.
    TooManyTracks,
    /// Too many channels.
    TooManyChannels,
    /// Too many samples in a second.
    TooHighSampleRate,
    /// Too many packets.
    TooManyPackets,
    /// Too many pictures in a second.
    TooHighFrameRate,
    /// Too many bits in a second.
    TooHighBitrate,
    /// The header says a length that the pictures do not bear out: cut off, or a lie.
    DurationMismatch,
    /// Times that jump by minutes or run backwards.
    BrokenTimestamps,
    /// Not readable.
    Malformed,
}

/// A refusal: what it is, what was allowed, what was found, and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The kind.
    pub code: RefusalCode,
    /// What is allowed, in [`unit`](Self::unit), where there is a limit.
    pub limit: Option<u64>,
    /// What was found, in [`unit`](Self::unit).
    pub measured: Option<u64>,
    /// The unit of both numbers; empty where there are none.
    pub unit: String,
    /// A sentence. It holds no text that came with the file.
    pub message: String,
}

impl Refusal {
    /// A refusal without numbers.
    pub(crate) fn new(code: RefusalCode, message: &str) -> Self {
        Self {
            code,
            limit: None,
            measured: None,
            unit: String::new(),
            message: message.to_owned(),
        }
    }

    /// A refusal of what is over (or under) a limit.
    pub(crate) fn limit(
        code: RefusalCode,
        what: &str,
        limit: u64,
        measured: u64,
        unit: &str,
    ) -> Self {
        let bound = if measured > limit {
            "at most"
        } else {
            "at least"
        };
        Self {
            code,
            limit: Some(limit),
            measured: Some(measured),
            unit: unit.to_owned(),
            message: format!("{what} {measured} {unit}; {bound} {limit} are taken."),
        }
    }
}
