//! The one place that makes command lines of ffmpeg and ffprobe.
//!
//! Each begins with what may be opened: the protocol `file`, the demuxers and the decoders that the
//! caller allows, and nothing by a name that a client chose.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::exec::limits::ToolLimits;

/// The name of the input in a scratch folder; a link to it where it lies elsewhere.
pub const INPUT: &str = "input";

/// What a tool may open, by ffmpeg's own names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// Demuxers, as `mov` or `matroska`.
    pub demuxers: Vec<String>,
    /// Decoders, as `h264` or `libdav1d`.
    pub decoders: Vec<String>,
}

/// Where the bytes are that a tool reads.
#[derive(Clone, Debug)]
pub struct Source {
    /// A regular file outside of the scratch folder; the tool can only read it.
    pub file: PathBuf,
    /// What it may be.
    pub allowed: Allowed,
}

/// Which tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Ffmpeg,
    Ffprobe,
}

/// One call of a tool, ready to be run by [`Tools`](crate::exec::Tools).
#[derive(Clone, Debug)]
pub struct ToolCall {
    pub(crate) tool: Tool,
    pub(crate) args: Vec<String>,
    pub(crate) input: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) limits: ToolLimits,
}

impl ToolCall {
    /// ffprobe over `source`; `args` say what to show.
    pub(crate) fn ffprobe(
        source: &Source,
        folder: &Path,
        limits: ToolLimits,
        args: &[&str],
    ) -> Self {
        let mut line = common("error");
        line.extend(opening(&source.allowed));
        line.extend(args.iter().map(|&arg| arg.to_owned()));
        line.extend(["-i".to_owned(), format!("file:{INPUT}")]);
        Self::new(Tool::Ffprobe, line, source, folder, limits)
    }

    /// ffmpeg over `source`. `before` are options of the input, `after` are filters and outputs.
    pub(crate) fn ffmpeg(
        source: &Source,
        folder: &Path,
        limits: ToolLimits,
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
        limits: ToolLimits,
        before: &[String],
        after: &[String],
    ) -> Self {
        let mut line = common("warning");
        line.extend(["-nostdin", "-nostats", "-y"].map(str::to_owned));
        line.extend(opening(&source.allowed));
        line.extend_from_slice(before);
        line.extend(["-i".to_owned(), format!("file:{INPUT}")]);
        line.extend_from_slice(after);
        Self::new(Tool::Ffmpeg, line, source, folder, limits)
    }

    /// Says what the tool is. `input` is opened by nobody.
    pub(crate) fn version(tool: Tool, input: &Path, folder: &Path) -> Self {
        Self {
            tool,
            args: vec!["-version".to_owned()],
            input: input.to_owned(),
            folder: folder.to_owned(),
            limits: ToolLimits::default(),
        }
    }

    fn new(
        tool: Tool,
        args: Vec<String>,
        source: &Source,
        folder: &Path,
        limits: ToolLimits,
    ) -> Self {
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
    [
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
    .into()
}
