//! About how much tasks take.
//!
//! From measurements on one core of a server of 2024: decoding 1080p takes 4 ns a pixel, encoding
//! with x264 at `veryfast` 20 ns, tone mapping 60 ns. Wrong by half on another machine or another
//! film, which is good enough to cut a film into pieces of about a minute, and to tell short tasks
//! from long ones.

use serde::{Deserialize, Serialize};

use crate::plan::picture::PictureWork;
use crate::plan::rungs::Rung;
use crate::plan::{Plan, Task};
use crate::probe::{Ratio, VideoTrack};

const DECODE_NS: u64 = 4;
const ENCODE_NS: u64 = 20;
const TONE_MAP_NS: u64 = 60;
/// Sound takes this many microseconds a second of film.
const SOUND_US: u64 = 30_000;
/// What starting the tools takes, in microseconds, a few times over for small pictures.
const START_US: u64 = 2_000_000;

/// What one picture takes that is made, on one core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Decoding, also of pictures that are not kept, in microseconds.
    pub decode_us: u64,
    /// Scaling, tone mapping and encoding of all rungs, in microseconds.
    pub encode_us: u64,
    /// Pixels of a decoded picture.
    pub source_pixels: u64,
}

impl Cost {
    pub(super) fn new(video: &VideoTrack, work: &PictureWork, rungs: &[Rung], rate: Ratio) -> Self {
        let pixels = |width: u32, height: u32| u64::from(width) * u64::from(height);
        let sizes = || rungs.iter().map(|rung| pixels(rung.width, rung.height));
        let mapped = sizes()
            .next_back()
            .filter(|_| work.is_tone_mapped())
            .unwrap_or(0);
        let source_pixels = pixels(video.width, video.height);
        // More pictures may be decoded than are kept.
        let made_every_us = u64::from(rate.den) * 1_000_000 / u64::from(rate.num);
        let decoded = (made_every_us / video.timing.median_us.max(1)).clamp(1, 100);
        let decoded = if video.timing.median_us == 0 {
            1
        } else {
            decoded
        };
        Self {
            decode_us: source_pixels * decoded * DECODE_NS / 1000,
            encode_us: (sizes().sum::<u64>() * ENCODE_NS + mapped * TONE_MAP_NS) / 1000,
            source_pixels,
        }
    }

    /// Microseconds of one core for a segment of all rungs.
    pub(super) fn of_segment(self, segment_frames: u64) -> u64 {
        (self.decode_us + self.encode_us).saturating_mul(segment_frames)
    }
}

impl Plan {
    /// About how long `task` keeps one core busy, in seconds, rounded up.
    pub fn cpu_seconds(&self, task: Task) -> u64 {
        let film = self.duration_us() / 1_000_000;
        let cost = self.cost;
        let micros = match task {
            Task::Chunk(number) => {
                let frames = self.chunks.get(number).map_or(0, |chunk| chunk.frames);
                (cost.decode_us + cost.encode_us).saturating_mul(frames)
            }
            Task::Sound(_) => film * SOUND_US,
            Task::Storyboard if self.storyboard.keyframes_only => {
                cost.decode_us * self.storyboard.pictures * 2
            }
            Task::Storyboard => cost.decode_us.saturating_mul(self.frames),
            Task::Poster | Task::Preview => cost.decode_us * 300,
            Task::Subtitles(_) => 0,
        };
        (micros + START_US).div_ceil(1_000_000)
    }

    /// About how much memory a task takes with `threads` of decoding and of encoding, in bytes of
    /// address space: 1080p takes 1 GB, and what is larger or on more threads holds more pictures.
    pub fn memory_bytes(&self, threads: u32) -> u64 {
        let pictures = self.cost.source_pixels * 48 * u64::from(threads.max(1));
        (3 << 29) + pictures
    }
}
