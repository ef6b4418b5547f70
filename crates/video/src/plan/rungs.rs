//! Sizes: by the shorter side of what is shown, never enlarged, even, one shape for all.

use serde::{Deserialize, Serialize};

use crate::plan::settings::PlanSettings;
use crate::probe::{Ratio, VideoTrack};

/// One size of the film.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Its name, as `720p`; of letters and digits, and unlike the others'.
    pub name: String,
    /// Width in pixels, even.
    pub width: u32,
    /// Height in pixels, even.
    pub height: u32,
    /// Constant quality of x264, from 0 (best) to 51.
    pub crf: u8,
    /// The most bits in a second.
    pub max_bitrate: u32,
}

/// The longest side of what is made, in pixels: H.264's levels end a little above.
const LONGEST: f64 = 4096.0;
/// A film's own size is a rung beside the next smaller one only when it is larger by this much.
const WORTH_A_RUNG: f64 = 1.15;

/// The rungs for `video`, the smallest first; at least one.
pub(super) fn ladder(video: &VideoTrack, rate: Ratio, settings: &PlanSettings) -> Vec<Rung> {
    let (width, height) = video.shown();
    let short = width.min(height);
    let mut sides: Vec<f64> = settings
        .rungs
        .iter()
        .map(|&side| f64::from(side))
        .filter(|&side| side <= short)
        .collect();
    sides.sort_by(f64::total_cmp);
    sides.dedup();
    let highest = settings
        .rungs
        .iter()
        .copied()
        .max()
        .map_or(short, f64::from);
    let own_is_worth_it = sides
        .last()
        .is_none_or(|&last| short >= last * WORTH_A_RUNG);
    if own_is_worth_it && short < highest {
        sides.push(short);
    }
    let sides = if sides.is_empty() {
        vec![highest]
    } else {
        sides
    };
    sides
        .into_iter()
        .map(|side| rung(width, height, side, rate))
        .collect()
}

/// The largest of `rungs` whose shorter side has no more than `side` pixels, or else the smallest.
pub(super) fn up_to(rungs: &[Rung], side: u32) -> Option<&Rung> {
    let fits = |rung: &&Rung| rung.width.min(rung.height) <= side;
    rungs.iter().rev().find(fits).or(rungs.first())
}

fn rung(width: f64, height: f64, side: f64, rate: Ratio) -> Rung {
    let (short, long) = (width.min(height), width.max(height));
    let scale = (side / short).min(LONGEST / long).min(1.0);
    let (width, height) = (even(width, scale), even(height, scale));
    Rung {
        name: format!("{}p", width.min(height)),
        width,
        height,
        crf: 23,
        max_bitrate: max_bitrate(width, height, rate),
    }
}

/// The even number nearest to `side` scaled; of a side at its own size, the one below.
fn even(side: f64, scale: f64) -> u32 {
    let half = side * scale / 2.0;
    let half = if scale < 1.0 {
        half.round()
    } else {
        half.floor()
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "1 to 2048"
    )]
    let half = half.clamp(1.0, LONGEST / 2.0) as u32;
    half * 2
}

/// 5 Mb/s for 1080p30; fewer pixels need more bits each, and twice the pictures not twice the bits.
fn max_bitrate(width: u32, height: u32, rate: Ratio) -> u32 {
    let pixels = f64::from(width) * f64::from(height) / (1920.0 * 1080.0);
    let faster = (rate.value() / 30.0).max(1.0).sqrt();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "below 50 million"
    )]
    let bits = (5_000_000.0 * pixels.powf(0.75) * faster) as u32;
    bits.max(64_000)
}

#[cfg(test)]
mod tests {
    use super::ladder;
    use crate::plan::PlanSettings;
    use crate::plan::tests::film;
    use crate::probe::{Ratio, Rotation, VideoTrack};

    fn sizes(video: &VideoTrack) -> Vec<(u32, u32)> {
        let rate = Ratio { num: 30, den: 1 };
        let rungs = ladder(video, rate, &PlanSettings::default());
        rungs.iter().map(|rung| (rung.width, rung.height)).collect()
    }

    type Sizes = &'static [(u32, u32)];

    #[test]
    fn sizes_follow_the_shorter_side() {
        let cases: [(u32, u32, Sizes); 10] = [
            (1920, 1080, &[(640, 360), (1280, 720), (1920, 1080)]),
            (3840, 2160, &[(640, 360), (1280, 720), (1920, 1080)]),
            (1080, 1920, &[(360, 640), (720, 1280), (1080, 1920)]),
            (854, 480, &[(640, 360), (854, 480)]),
            (640, 368, &[(626, 360)]),
            (320, 240, &[(320, 240)]),
            (321, 241, &[(320, 240)]),
            (1279, 719, &[(640, 360), (1278, 718)]),
            (642, 642, &[(360, 360), (642, 642)]),
            (16_384, 16, &[(4096, 4)]),
        ];
        for (width, height, expected) in cases {
            assert_eq!(
                sizes(&film(width, height).video),
                expected,
                "{width}x{height}"
            );
        }
    }

    #[test]
    fn turned_and_stretched_films_are_sized_as_they_are_shown() {
        let turned = VideoTrack {
            rotation: Rotation::Quarter,
            ..film(1920, 1080).video
        };
        assert_eq!(sizes(&turned), [(360, 640), (720, 1280), (1080, 1920)]);
        let stretched = VideoTrack {
            pixel_aspect: Ratio { num: 4, den: 3 },
            ..film(1440, 1080).video
        };
        assert_eq!(sizes(&stretched), [(640, 360), (1280, 720), (1920, 1080)]);
    }
}
