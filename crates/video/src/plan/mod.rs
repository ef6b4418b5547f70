//! What is made of a film, and in which tasks: decided once, from the facts, without looking at a byte.
//!
//! The plan is stored and read by every worker, so all rungs and chunks agree by construction: the
//! same frame rate, the same segments, the same sizes. Nothing here runs anything; that is
//! [`encode`](crate::encode)'s.

mod chunks;
mod cost;
mod picture;
mod rate;
mod rungs;
mod settings;
mod tracks;

use serde::{Deserialize, Serialize};

pub use chunks::Chunk;
pub use cost::Cost;
pub use picture::{Colours, Matrix, PictureWork};
pub use rungs::Rung;
pub use settings::PlanSettings;
pub(crate) use tracks::PREVIEW_US;
pub use tracks::{SoundWork, StoryboardWork, SubtitleWork};

use crate::exec::Allowed;
use crate::probe::{Ratio, VideoProbe};

/// Everything that workers need to know about a film. Stored: fields are added, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What tools may open.
    pub allowed: Allowed,
    /// The constant rate of all rungs, in Hz.
    pub frame_rate: Ratio,
    /// Pictures of each rung.
    pub frames: u64,
    /// Pictures of a segment, which is also the distance of IDR pictures; the last one may be shorter.
    pub segment_frames: u64,
    /// What is done to every picture before it is scaled.
    pub picture: PictureWork,
    /// What a picture takes of a core.
    pub cost: Cost,
    /// Sizes, the smallest first.
    pub rungs: Vec<Rung>,
    /// Pieces that are encoded on their own, in order.
    pub chunks: Vec<Chunk>,
    /// Tracks of sound.
    pub sounds: Vec<SoundWork>,
    /// Tracks of subtitles.
    pub subtitles: Vec<SubtitleWork>,
    /// When the last picture begins, in microseconds from the film's start; it stands to the end. `None` in plans from
    /// before this was known.
    #[serde(default)]
    pub last_picture_us: Option<u64>,
    /// Widths of the poster in pixels, the largest last.
    pub poster_widths: Vec<u32>,
    /// Where the animated preview begins, in microseconds.
    pub preview_start_us: u64,
    /// Small pictures for the seek bar.
    pub storyboard: StoryboardWork,
    /// The name of the size that is also put together as one MP4. `None` in plans from before there were any.
    #[serde(default)]
    pub mp4: Option<String>,
}

/// One task. Any worker can do any of them, in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// All rungs of a chunk, by its number.
    Chunk(usize),
    /// A track of sound, by its number.
    Sound(usize),
    /// A track of subtitles, by its number.
    Subtitles(usize),
    /// The poster in all widths.
    Poster,
    /// The animated preview.
    Preview,
    /// The sprites and their index.
    Storyboard,
}

impl Plan {
    /// The plan for `probe`.
    pub fn new(probe: &VideoProbe, settings: &PlanSettings) -> Self {
        let frame_rate = rate::constant(&probe.video, settings);
        let frames = frames_in(probe.duration_us, frame_rate).max(1);
        let segment_frames = frames_in(settings.segment_us(), frame_rate).max(1);
        let rungs = rungs::ladder(&probe.video, frame_rate, settings);
        let picture = PictureWork::new(&probe.video);
        let cost = Cost::new(&probe.video, &picture, &rungs, frame_rate);
        let split = probe.container.has_index() && settings.split;
        let per_chunk = if split {
            chunks::segments_in(
                cost.of_segment(segment_frames),
                frames.div_ceil(segment_frames),
                settings,
            )
        } else {
            u64::MAX
        };
        let mp4 = settings
            .mp4_side
            .and_then(|side| rungs::up_to(&rungs, side));
        let mut plan = Self {
            mp4: mp4.map(|rung| rung.name.clone()),
            allowed: probe.allowed(),
            frame_rate,
            frames,
            segment_frames,
            picture,
            cost,
            rungs,
            chunks: Vec::new(),
            sounds: tracks::sounds(&probe.sounds),
            subtitles: tracks::subtitles(&probe.subtitles),
            last_picture_us: Some(probe.video.last_us),
            poster_widths: tracks::poster_widths(&probe.video, settings),
            preview_start_us: tracks::preview_start(probe.video.duration_us),
            storyboard: StoryboardWork::new(probe, settings),
        };
        plan.chunks = chunks::cut(&plan, per_chunk);
        plan
    }

    /// The same film, its pictures encoded by one task.
    #[must_use]
    pub fn in_one_piece(self) -> Self {
        let chunks = chunks::cut(&self, u64::MAX);
        Self { chunks, ..self }
    }

    /// Every task of the plan, the longest first.
    pub fn tasks(&self) -> Vec<Task> {
        let chunks = (0..self.chunks.len()).map(Task::Chunk);
        let sounds = (0..self.sounds.len()).map(Task::Sound);
        let subtitles = (0..self.subtitles.len()).map(Task::Subtitles);
        let pictures = [Task::Poster, Task::Preview, Task::Storyboard];
        chunks
            .chain(sounds)
            .chain(pictures)
            .chain(subtitles)
            .collect()
    }

    /// How many segments each rung has.
    pub fn segments(&self) -> u64 {
        self.frames.div_ceil(self.segment_frames)
    }

    /// The time of picture `frame`, in microseconds from the film's start.
    pub fn time_us(&self, frame: u64) -> u64 {
        let (num, den) = (
            u128::from(self.frame_rate.num),
            u128::from(self.frame_rate.den),
        );
        u64::try_from(u128::from(frame) * den * 1_000_000 / num).unwrap_or(u64::MAX)
    }

    /// The number of the picture that stands at `time_us`.
    pub(crate) fn frame_at(&self, time_us: u64) -> u64 {
        let (num, den) = (
            u128::from(self.frame_rate.num),
            u128::from(self.frame_rate.den) * 1_000_000,
        );
        u64::try_from(u128::from(time_us) * num / den).unwrap_or(u64::MAX)
    }

    /// When the last picture of the film begins that is decoded, in microseconds.
    pub fn last_picture_us(&self) -> u64 {
        let last_us = self.last_picture_us.unwrap_or(u64::MAX);
        last_us.min(self.time_us(self.frames.saturating_sub(1)))
    }

    /// The length of the film as it is made, in microseconds.
    pub fn duration_us(&self) -> u64 {
        self.time_us(self.frames)
    }
}

/// How many pictures of `rate` are nearest to `duration_us`.
fn frames_in(duration_us: u64, rate: Ratio) -> u64 {
    let (num, den) = (u128::from(rate.num), u128::from(rate.den) * 1_000_000);
    u64::try_from((u128::from(duration_us) * num + den / 2) / den).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
