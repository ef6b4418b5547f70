//! The one place that makes command lines of ffmpeg and ffprobe.
//!
//! Each begins with what may be opened: the protocol `file`, the demuxers and the decoders that the
//! caller allows, and nothing by a name that a client chose.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sandbox::{Limits, Tool};
use serde::{Deserialize, Serialize};

/// What a tool may open, by ffmpeg's own names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// Demuxers, as `mov` or `matroska`.
    pub demuxers: Vec<String>,
    /// Decoders, as `h264` or `libdav1d`.
    pub decoders: Vec<String>,
    /// Bytes of something else before what the first of the demuxers reads, if there are any. The file is then not asked
    /// what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins_at: Option<u64>,
}

/// Where the bytes are that a tool reads.
#[derive(Clone, Debug)]
pub struct Source {
    /// A regular file outside of the scratch folder; the tool can only read it.
    pub file: PathBuf,
    /// What it may be.
    pub allowed: Allowed,
}

/// Enough for a look at a film: 2 GiB of memory, two minutes.
pub const fn limits_of_a_look() -> Limits {
    Limits {
        memory_bytes: 2 << 30,
        cpu_seconds: 60,
        file_bytes: 64 << 20,
        output_bytes: 16 << 20,
        wall: Duration::from_mins(2),
    }
}

/// The foreign programs that are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Ffmpeg,
    Ffprobe,
}

/// One call of a tool, ready to be run by [`Tools`](crate::exec::Tools).
#[derive(Clone, Debug)]
pub struct ToolCall {
    pub(crate) tool: Name,
    pub(crate) args: Vec<String>,
    pub(crate) input: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) limits: Limits,
}

impl ToolCall {
    /// ffprobe over `source`; `args` say what to show.
    pub(crate) fn ffprobe(source: &Source, folder: &Path, limits: Limits, args: &[&str]) -> Self {
        let mut line = common("error");
        line.extend(opening(&source.allowed));
        line.extend(args.iter().map(|&arg| arg.to_owned()));
        line.extend(["-i".to_owned(), format!("file:{}", Tool::INPUT)]);
        Self::new(Name::Ffprobe, line, source, folder, limits)
    }

    /// ffmpeg over `source`. `before` are options of the input, `after` are filters and outputs.
    pub(crate) fn ffmpeg(
        source: &Source,
        folder: &Path,
        limits: Limits,
        before: &[String],
        after: &[String],
    ) -> Self {
        let progress = ["-progress", "pipe:1"].map(str::to_owned);
        let before = [&progress, before].concat();
        Self::ffmpeg_quiet(source, folder, limits, &before, after)
    }

    /// The same without reports of progress, so that standard output is free for an output.
    pub(crate) fn ffmpeg_quiet(
        source: &Source,
        folder: &Path,
        limits: Limits,
        before: &[String],
        after: &[String],
    ) -> Self {
        let mut line = common("warning");
        line.extend(["-nostdin", "-nostats", "-y"].map(str::to_owned));
        line.extend(opening(&source.allowed));
        line.extend_from_slice(before);
        line.extend(["-i".to_owned(), format!("file:{}", Tool::INPUT)]);
        line.extend_from_slice(after);
        Self::new(Name::Ffmpeg, line, source, folder, limits)
    }

    /// Says what the tool is. `input` is opened by nobody.
    pub(crate) fn version(tool: Name, input: &Path, folder: &Path) -> Self {
        Self {
            tool,
            args: vec!["-version".to_owned()],
            input: input.to_owned(),
            folder: folder.to_owned(),
            limits: limits_of_a_look(),
        }
    }

    fn new(tool: Name, args: Vec<String>, source: &Source, folder: &Path, limits: Limits) -> Self {
        Self {
            tool,
            args,
            input: source.file.clone(),
            folder: folder.to_owned(),
            limits,
        }
    }
}

fn common(level: &str) -> Vec<String> {
    ["-hide_banner", "-loglevel", level]
        .map(str::to_owned)
        .into()
}

/// Options of an input that hold whatever the input is.
fn opening(allowed: &Allowed) -> Vec<String> {
    let (demuxers, decoders) = (allowed.demuxers.join(","), allowed.decoders.join(","));
    let mut options = [
        "-protocol_whitelist",
        "file",
        "-format_whitelist",
        &demuxers,
        "-codec_whitelist",
        &decoders,
        "-max_streams",
        "1000",
    ]
    .map(str::to_owned)
    .to_vec();
    if let (Some(bytes), Some(demuxer)) = (allowed.begins_at, allowed.demuxers.first()) {
        let bytes = bytes.to_string();
        options.extend(["-f", demuxer, "-skip_initial_bytes", &bytes].map(str::to_owned));
    }
    options
}
