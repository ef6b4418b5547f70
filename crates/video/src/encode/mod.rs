//! Carries out one task of a plan in a scratch folder.
//!
//! Each task is one or a few calls of ffmpeg and leaves files with fixed names beside the facts about
//! them, measured from the files. It decides nothing that another task must agree with: that is the
//! plan's.

mod aac;
mod chunk;
pub(crate) mod cut;
mod filters;
mod poster;
mod preview;
mod sound;
mod storyboard;
mod subtitles;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sandbox::{Limits, ToolError};
use serde::{Deserialize, Serialize};

pub(crate) use cut::segment_file;
pub use cut::{Rendition, Segment};
pub use poster::size_at as picture_size;
pub use storyboard::index as storyboard_index;
pub(crate) use subtitles::subtitles_folder;

use crate::exec::{Progress, Source, ToolCall, Tools, limits_of_a_look};
use crate::mp4::Mp4Error;
use crate::plan::{Plan, Task};

/// Where the clock of segments stands at the film's start, in seconds: pictures are decoded before
/// they are shown, and no time may be below zero.
pub const CLOCK_START_SECONDS: u64 = 10;

/// A task that brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// ffmpeg; see [`ToolError`].
    #[error("cannot encode")]
    Tool(#[from] ToolError),
    /// What came out of it cannot be cut into segments.
    #[error("cannot cut what was encoded")]
    Cut(#[from] Mp4Error),
    /// The encode has not the segments that the plan has.
    #[error("{made} segments were made where the plan has {planned}")]
    Segments {
        /// Found.
        made: u64,
        planned: u64,
    },
    /// The decoder found less sound than there is of packets.
    #[error("{made} seconds of sound were decoded where the packets have {planned}")]
    Short {
        /// Decoded, in seconds.
        made: u64,
        /// By the packets, in seconds.
        planned: u64,
    },
    /// The plan has no such task.
    #[error("the plan has no such task")]
    NoSuchTask,
}

/// What a task has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// Segments of each rung, in the order of the plan.
    Chunk(Vec<Rendition>),
    /// A track of sound, whole.
    Sound(Rendition),
    /// Segments of subtitles: their sizes in bytes.
    Subtitles(Vec<u64>),
    /// Pictures: files in the scratch folder and their sizes in bytes.
    Pictures(Vec<(String, u64)>),
}

impl Made {
    /// The names of all files that `task` left, from its scratch folder.
    pub fn files(&self, task: Task) -> Vec<String> {
        match self {
            Self::Chunk(rungs) => rungs.iter().flat_map(Rendition::files).collect(),
            Self::Sound(sound) => sound.files(),
            Self::Subtitles(sizes) => {
                let Task::Subtitles(number) = task else {
                    return Vec::new();
                };
                let folder = subtitles_folder(number);
                let segments = 0..sizes.len() as u64;
                segments
                    .map(|number| format!("{folder}/{}", segment_file(number, "vtt")))
                    .collect()
            }
            Self::Pictures(pictures) => pictures.iter().map(|(name, _)| name.clone()).collect(),
        }
    }
}

/// What tasks need.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    /// Runs ffmpeg.
    pub tools: &'a Tools,
    pub file: &'a Path,
    /// A scratch folder, which starts empty; tasks of one film may share it one after the other.
    pub folder: &'a Path,
    /// What each call of ffmpeg may use.
    pub limits: &'a Limits,
    /// Threads of decoding, and of encoding of each rung.
    pub threads: u32,
}

/// Carries out `task`. `on_progress` hears of frames written, now and then.
pub async fn run(
    desk: Desk<'_>,
    plan: &Plan,
    task: Task,
    on_progress: impl FnMut(Progress) + Send,
) -> Result<Made, EncodeError> {
    match task {
        Task::Chunk(number) => {
            let chunk = plan.chunks.get(number).ok_or(EncodeError::NoSuchTask)?;
            chunk::encode(desk, plan, chunk, on_progress).await
        }
        Task::Sound(number) => {
            let work = plan.sounds.get(number).ok_or(EncodeError::NoSuchTask)?;
            sound::encode(desk, plan, work, number).await
        }
        Task::Subtitles(number) => {
            let work = plan.subtitles.get(number).ok_or(EncodeError::NoSuchTask)?;
            subtitles::encode(desk, plan, work, number).await
        }
        Task::Poster => poster::encode(desk, plan).await,
        Task::Preview => preview::encode(desk, plan).await,
        Task::Storyboard => storyboard::encode(desk, plan).await,
    }
}

/// What a call of ffmpeg for `task` may use: ten times what it should take on one core, so that only
/// what has gone wrong comes to its end.
pub fn limits(plan: &Plan, task: Task, threads: u32) -> Limits {
    let cpu_seconds = plan.cpu_seconds(task) * 10 + 30;
    let longest = plan
        .rungs
        .iter()
        .map(|rung| u64::from(rung.max_bitrate))
        .max()
        .unwrap_or(0);
    let film = plan.duration_us() / 1_000_000 + 10;
    Limits {
        memory_bytes: plan.memory_bytes(threads),
        cpu_seconds,
        // Twice the highest bitrate for the whole film.
        file_bytes: (longest / 4).saturating_mul(film).max(64 << 20),
        wall: Duration::from_secs(cpu_seconds * 4),
        ..limits_of_a_look()
    }
}

impl Desk<'_> {
    /// One call of ffmpeg over the film.
    async fn ffmpeg(
        &self,
        plan: &Plan,
        before: &[String],
        after: &[String],
        mut on_line: impl FnMut(&[u8]) + Send,
    ) -> Result<(), ToolError> {
        let source = Source {
            file: PathBuf::from(self.file),
            allowed: plan.allowed.clone(),
        };
        let call = ToolCall::ffmpeg(&source, self.folder, self.limits.clone(), before, after);
        let told = |line: &[u8]| {
            on_line(line);
            Ok(())
        };
        self.tools.lines(&call, told).await
    }

    /// The sizes of `names` in the scratch folder.
    async fn sizes(&self, names: Vec<String>) -> Result<Vec<(String, u64)>, ToolError> {
        let mut sizes = Vec::with_capacity(names.len());
        for name in names {
            let file = tokio::fs::symlink_metadata(self.folder.join(&name)).await;
            let file = file.map_err(ToolError::io("looking at a picture"))?;
            sizes.push((name, file.len()));
        }
        Ok(sizes)
    }
}

/// Options of an input that is opened at `seek_us`. Times are kept as they are, from the film's start.
fn opened_at(seek_us: u64, threads: u32) -> Vec<String> {
    let mut options = words("-copyts -start_at_zero");
    options.extend(["-threads".to_owned(), threads.to_string()]);
    if seek_us > 0 {
        options.extend(words("-noaccurate_seek -ss"));
        options.push(seconds(seek_us));
    }
    options
}

/// Seconds with six places.
fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

pub(crate) fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// Nothing of what a film says about its maker, its place and its time goes on.
pub(crate) fn without_metadata() -> Vec<String> {
    words("-map_metadata -1 -map_chapters -1 -fflags +bitexact")
}
