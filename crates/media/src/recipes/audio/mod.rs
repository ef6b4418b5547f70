//! What is made of a sound: HLS at two bitrates, one file, a waveform, and the cover as pictures.

use serde::Serialize;

use super::Recipe;
use crate::formats::Kind;

/// Raised when the same recipe text would make other bytes, such as after a change of encoder.
const REVISION: u32 = 1;

/// A family of outputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// To be played: AAC-LC in HLS, and the higher bitrate also as one file.
    Played {
        /// Bits in a second of one channel, the lower first.
        mono_bitrates: [u32; 2],
        /// Bits in a second of two channels, the lower first.
        stereo_bitrates: [u32; 2],
        /// Length of a segment in seconds.
        segment_seconds: u32,
    },
    /// The peaks, as numbers and as a picture.
    Waveform {
        /// The most pairs of numbers.
        pixels: u32,
    },
    /// The picture that came with the sound, as `WebP`.
    Covers {
        /// Widths in pixels, the widest first. Never enlarged.
        widths: Vec<u32>,
        /// Encoder quality, 0 to 100.
        quality: u8,
        /// Encoder effort, 0 (fast) to 6 (small).
        effort: u8,
    },
}

/// Everything that is made of a sound.
pub fn recipe() -> Recipe<Unit> {
    Recipe {
        revision: REVISION,
        kind: Kind::Audio,
        units: vec![
            Unit::Played {
                mono_bitrates: [48_000, 96_000],
                stereo_bitrates: [64_000, 160_000],
                segment_seconds: 6,
            },
            Unit::Waveform { pixels: 65_536 },
            Unit::Covers {
                widths: vec![1280, 640, 320],
                quality: 80,
                effort: 4,
            },
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::recipe;

    #[test]
    fn the_hash_changes_only_on_purpose() {
        // Changing the recipe changes every key: update this together with the recipe.
        assert_eq!(recipe().hash().to_string(), "347795e01f256a4d");
    }
}
