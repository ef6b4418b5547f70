//! What a film is: read from its headers, and measured from its packets where headers may lie.
//!
//! Two looks of ffprobe in the sandbox: at the headers, which costs little and refuses most of what
//! is to be refused, and then at every packet, without decoding. What comes out is facts; what is
//! made of them is [`plan`](crate::plan)'s to say.

pub(crate) mod allowed;
mod check;
mod cut;
mod headers;
mod limits;
pub(crate) mod packet;
mod packets;
pub(crate) mod raw;
mod refusal;
mod sketch;
pub(crate) mod times;
mod tracks;
mod types;

use std::path::{Path, PathBuf};

pub use allowed::Container;
pub use limits::VideoLimits;
pub use refusal::{Refusal, RefusalCode, number};
pub(crate) use refusal::{counted, seconds};
pub use sketch::Sketch;
pub use types::{
    Chapter, Colour, Keyframe, Ratio, Rotation, SoundTrack, SubtitleTrack, Timing, VideoProbe,
    VideoTrack,
};

use packets::Measured;
use sandbox::{Limits, ToolError};

use crate::exec::{Source, ToolCall, Tools, limits_of_a_look};

/// A probe that brought no facts.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The file's fault.
    #[error("{}", .0.message)]
    Refused(Box<Refusal>),
    /// Not the file's fault, or not for sure: see [`ToolError`].
    #[error("cannot look at the film")]
    Tool(#[from] ToolError),
}

impl From<Refusal> for ProbeError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

/// Looks at `file`, with `folder` as an empty scratch folder.
///
/// Refuses what has no picture, what cannot be decoded, and what is over a limit.
pub async fn probe(
    tools: &Tools,
    file: &Path,
    folder: &Path,
    limits: &VideoLimits,
    tool_limits: &Limits,
) -> Result<VideoProbe, ProbeError> {
    let size_bytes = tokio::fs::metadata(file)
        .await
        .map_err(ToolError::io("looking at the input"))?
        .len();
    check::size(size_bytes, limits)?;
    let source = Source {
        file: PathBuf::from(file),
        allowed: allowed::looks(None),
    };
    let call = ToolCall::ffprobe(&source, folder, tool_limits.clone(), headers::SHOWN);
    let json = tools.output(&call).await.map_err(headers::blame)?;
    let headers = headers::read(&json, size_bytes)?;
    check::headers(headers.video(), headers.tracks, limits)?;

    let source = Source {
        allowed: allowed::looks(Some(headers.container())),
        ..source
    };
    let call = ToolCall::ffprobe(&source, folder, packets_limits(limits), packet::SHOWN);
    let mut measured = Measured::new(headers.video_index, headers.sounds(), limits);
    let mut over = None;
    let read = tools
        .lines(&call, |line| {
            measured.take(line).map_err(|refusal| {
                over = Some(refusal);
                ToolError::Protocol("more packets than allowed")
            })
        })
        .await;
    if let Some(refusal) = over {
        return Err(refusal.into());
    }
    read.map_err(headers::blame)?;
    let mut probe = headers.with(measured)?;
    check::measured(&probe, limits)?;
    let (path, container) = (PathBuf::from(file), probe.container);
    let announced =
        tokio::task::spawn_blocking(move || cut::announced(&path, container, size_bytes));
    let announced = announced.await.map_err(std::io::Error::other).flatten();
    let announced = announced.map_err(ToolError::io("looking at the input"))?;
    check::cut(&probe, announced)?;
    probe.cut_short = announced.is_some();
    Ok(probe)
}

/// A line a packet, of at most 100 bytes.
fn packets_limits(limits: &VideoLimits) -> Limits {
    Limits {
        output_bytes: limits.packets.saturating_mul(100),
        cpu_seconds: 600,
        wall: std::time::Duration::from_mins(30),
        ..limits_of_a_look()
    }
}
