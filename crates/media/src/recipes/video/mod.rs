//! What is made of a film: HLS in several sizes, posters, an animated preview and a storyboard.
//!
//! Which sizes a film really gets, and in how many tasks, depends on the film: whoever works on it plans that from here.

use serde::Serialize;

use super::{Extras, Recipe};
use crate::formats::Kind;

/// Raised when the same recipe text would make other bytes, such as after a change of encoder.
const REVISION: u32 = 1;

/// A family of outputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// To be played: every track of sound and subtitles, and the pictures in several sizes.
    Hls {
        /// Sizes by the shorter side in pixels, the smallest first. Never enlarged.
        sides: Vec<u32>,
        /// Length of a segment in seconds.
        segment_seconds: u32,
        /// Pictures in a second at most.
        max_frame_rate: u32,
    },
    /// Stills.
    Posters {
        /// Widths in pixels, the smallest first.
        widths: Vec<u32>,
    },
    /// Some seconds as an animated picture.
    Preview,
    /// Small pictures of the whole film.
    Storyboard {
        /// The longer side of a picture in pixels.
        side: u32,
    },
    /// One size and all sounds in one file.
    Mp4 {
        /// The shorter side in pixels at most.
        side: u32,
    },
}

/// Everything that is made of a film.
pub fn recipe(extras: Extras) -> Recipe<Unit> {
    let mut units = vec![
        Unit::Hls {
            sides: vec![360, 720, 1080],
            segment_seconds: 6,
            max_frame_rate: 60,
        },
        Unit::Posters {
            widths: vec![128, 320, 640, 1280],
        },
        Unit::Preview,
        Unit::Storyboard { side: 160 },
    ];
    units.extend(extras.video_mp4.map(|side| Unit::Mp4 { side }));
    Recipe {
        revision: REVISION,
        kind: Kind::Video,
        units,
    }
}

#[cfg(test)]
mod tests {
    use super::{Extras, recipe};

    #[test]
    fn the_hash_changes_only_on_purpose() {
        // Changing the recipe changes every key: update this together with the recipe.
        assert_eq!(
            recipe(Extras::default()).hash().to_string(),
            "35057df7b736a7a0"
        );
    }
}
