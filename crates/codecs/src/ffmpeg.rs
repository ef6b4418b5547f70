//! ffmpeg between jobs of ours: it reads what one has written, and writes what another reads.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sandbox::{Launcher, Limits, Manner, Tool, ToolError};
use tokio_util::sync::CancellationToken;

use crate::DecodeError;

/// Runs ffmpeg with `args` over `input`, in `folder`, which is made for it; `blamed` says whose an error is.
pub(crate) async fn run(
    tools: &Launcher,
    args: Vec<String>,
    (input, folder): (PathBuf, PathBuf),
    limits: Limits,
    cancel: &CancellationToken,
    blamed: impl FnOnce(ToolError) -> DecodeError,
) -> Result<(), DecodeError> {
    make_folder(&folder).await?;
    let program = Tool::find("ffmpeg");
    let program =
        program.ok_or_else(|| DecodeError::io("looking for ffmpeg")(ErrorKind::NotFound.into()))?;
    let tool = Tool {
        program,
        args,
        input,
        folder,
        manner: Manner::Filter,
        environment: Vec::new(),
        sees: Vec::new(),
        limits,
    };
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(DecodeError::Cancelled),
        done = tools.run_tool(&tool, None, |_| Ok(())) => done.map_err(blamed),
    }
}

/// Makes a folder, which must not be there.
pub(crate) async fn make_folder(folder: &Path) -> Result<(), DecodeError> {
    let made = tokio::fs::create_dir(folder).await;
    made.map_err(DecodeError::io("making a folder"))
}

/// The words of a command line without spaces in them.
pub(crate) fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}
