//! Pieces of whole segments that workers encode on their own.

use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::plan::settings::PlanSettings;

/// One piece, all rungs of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The number of its first segment, from zero.
    pub first_segment: u64,
    /// How many segments it has.
    pub segments: u64,
    /// The number of its first picture, from zero.
    pub first_frame: u64,
    /// How many pictures it has.
    pub frames: u64,
    /// Where decoding begins, in microseconds from the film's start: somewhat before the first
    /// picture, so that the one shown then is among those decoded.
    pub seek_us: u64,
}

/// How long before its first picture a chunk's decoding begins at the latest, in microseconds.
const RUN_UP_US: u64 = 1_000_000;

/// A film that takes less than two of these is not cut, in microseconds of one core: to start a tool costs something, too.
const SHORTEST_US: u64 = 2_000_000;

/// How many segments a chunk has that takes about as long as is asked for, of a film of `segments`. It is half of the
/// film at most: somebody waits for a short film, and two cores make it in half the time.
pub(super) fn segments_in(micros_per_segment: u64, segments: u64, settings: &PlanSettings) -> u64 {
    let asked = u64::from(settings.chunk_cpu_seconds) * 1_000_000;
    let half = micros_per_segment.saturating_mul(segments) / 2;
    let budget = asked.min(half.max(SHORTEST_US));
    (budget / micros_per_segment.max(1)).max(1)
}

/// Cuts the film into chunks of about the same length, none longer than `at_most` segments.
pub(super) fn cut(plan: &Plan, at_most: u64) -> Vec<Chunk> {
    let segments = plan.segments();
    let count = segments.div_ceil(at_most);
    (0..count)
        .map(|number| {
            // Of 7 segments in 3 chunks: 0–2, 2–4, 4–7.
            let first_segment = number * segments / count;
            let end_segment = (number + 1) * segments / count;
            let first_frame = first_segment * plan.segment_frames;
            let end_frame = (end_segment * plan.segment_frames).min(plan.frames);
            Chunk {
                first_segment,
                segments: end_segment - first_segment,
                first_frame,
                frames: end_frame - first_frame,
                seek_us: plan
                    .time_us(first_frame)
                    .min(plan.last_picture_us())
                    .saturating_sub(RUN_UP_US),
            }
        })
        .collect()
}
