//! About how much processor time encoding takes.
//!
//! From measurements on one core of a server of 2024: decoding 1080p takes 4 ns a pixel, encoding
//! with x264 at `veryfast` 20 ns, tone mapping 60 ns. Wrong by half on another machine, which is
//! good enough to cut a film into pieces of about a minute.

use crate::plan::picture::PictureWork;
use crate::plan::rungs::Rung;
use crate::probe::{Ratio, VideoTrack};

const DECODE_NS: u64 = 4;
const ENCODE_NS: u64 = 20;
const TONE_MAP_NS: u64 = 60;

/// Nanoseconds of one core for a segment of all rungs.
pub(super) fn per_segment(
    video: &VideoTrack,
    work: &PictureWork,
    rungs: &[Rung],
    rate: Ratio,
    segment_frames: u64,
) -> u64 {
    let pixels = |width: u32, height: u32| u64::from(width) * u64::from(height);
    let encoded: u64 = rungs
        .iter()
        .map(|rung| pixels(rung.width, rung.height))
        .sum();
    let top = rungs
        .last()
        .map_or(0, |rung| pixels(rung.width, rung.height));
    // More pictures may be decoded than are kept.
    let timing = &video.timing;
    let kept_us = 1_000_000.0 / rate.value();
    #[expect(
        clippy::cast_precision_loss,
        reason = "an interval between pictures is short"
    )]
    let faster = if timing.median_us == 0 {
        1.0
    } else {
        kept_us / timing.median_us as f64
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an estimate"
    )]
    let decoded = (pixels(video.width, video.height) as f64 * faster.max(1.0)) as u64;
    let mapped = if work.is_tone_mapped() {
        top * TONE_MAP_NS
    } else {
        0
    };
    (decoded * DECODE_NS + encoded * ENCODE_NS + mapped).saturating_mul(segment_frames)
}
