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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    pub code: RefusalCode,
    /// What is allowed, in [`unit`](Self::unit), where there is a limit.
    pub limit: Option<f64>,
    /// What was found, in [`unit`](Self::unit).
    pub measured: Option<f64>,
    /// The unit of both numbers; empty where there are none.
    pub unit: String,
    /// A sentence without its period. It holds no text that came with the file.
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
        limit: f64,
        measured: f64,
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
            message: format!(
                "{what} {} {unit}; {bound} {} are taken",
                number(measured),
                number(limit)
            ),
        }
    }
}

/// A number as people write it: whole, or with as many places as it takes to tell it from a whole one, two at most.
pub fn number(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Exact up to 2^53, which is more than there is of anything that is counted.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub(crate) const fn counted(number: u64) -> f64 {
    number as f64
}

/// Microseconds as seconds.
pub(crate) const fn seconds(micros: u64) -> f64 {
    counted(micros) / 1e6
}

#[cfg(test)]
mod tests {
    use super::{Refusal, RefusalCode, number};

    #[test]
    fn numbers_are_whole_or_have_two_places() {
        for (value, expected) in [
            (0.04, "0.04"),
            (3.0, "3"),
            (300.0, "300"),
            (59.999, "60"),
            (7.5, "7.5"),
            (35_651_584.0, "35651584"),
        ] {
            assert_eq!(number(value), expected);
        }
        let refusal = Refusal::limit(RefusalCode::TooLong, "the film plays", 2.0, 2.5, "seconds");
        assert_eq!(
            refusal.message,
            "the film plays 2.5 seconds; at most 2 are taken"
        );
    }
}
