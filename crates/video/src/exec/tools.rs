//! ffmpeg and ffprobe of this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sandbox::fill::Fill;
use sandbox::{Launcher, Manner, Tool, ToolError};

use crate::exec::command::{Name, ToolCall};

/// Runs ffmpeg and ffprobe, confined. Cheap to clone; holds nothing open.
#[derive(Clone, Debug)]
pub struct Tools {
    launcher: Launcher,
    ffmpeg: PathBuf,
    ffprobe: PathBuf,
    fill: Option<Arc<dyn Fill>>,
}

/// A tool that is not on this machine.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not installed")]
pub struct MissingTool(&'static str);

impl Tools {
    /// The tools of this machine, started by way of `launcher`, whose children must come to
    /// [`sandbox::child::become_tool`].
    pub fn new(launcher: Launcher) -> Result<Self, MissingTool> {
        let find = |name| Tool::find(name).ok_or(MissingTool(name));
        Ok(Self {
            launcher,
            ffmpeg: find("ffmpeg")?,
            ffprobe: find("ffprobe")?,
            fill: None,
        })
    }

    /// The same tools over an input that is not all there: what they read of it is brought by `fill`.
    #[must_use]
    pub fn filled_by(&self, fill: Arc<dyn Fill>) -> Self {
        Self {
            fill: Some(fill),
            ..self.clone()
        }
    }

    /// Runs `call` to its end and returns its standard output. To drop the future is to end the tool.
    pub async fn output(&self, call: &ToolCall) -> Result<Vec<u8>, ToolError> {
        let mut output = Vec::new();
        self.pieces(call, |piece| {
            output.extend_from_slice(piece);
            Ok(())
        })
        .await?;
        Ok(output)
    }

    /// Runs `call` to its end and hands each line of its standard output to `on_line`, whose error
    /// ends the tool. To drop the future is to end the tool.
    pub async fn lines(
        &self,
        call: &ToolCall,
        mut on_line: impl FnMut(&[u8]) -> Result<(), ToolError>,
    ) -> Result<(), ToolError> {
        let without_end = |line: &[u8]| on_line(line.strip_suffix(b"\n").unwrap_or(line));
        self.pieces(call, without_end).await
    }

    /// Runs `call` to its end and hands on all of its standard output, byte for byte, as
    /// [`Launcher::run_tool`] does.
    pub async fn pieces(
        &self,
        call: &ToolCall,
        on_piece: impl FnMut(&[u8]) -> Result<(), ToolError>,
    ) -> Result<(), ToolError> {
        let program = match call.tool {
            Name::Ffmpeg => &self.ffmpeg,
            Name::Ffprobe => &self.ffprobe,
        };
        let tool = Tool {
            program: program.clone(),
            args: call.args.clone(),
            input: call.input.clone(),
            folder: call.folder.clone(),
            manner: Manner::Filter,
            environment: Vec::new(),
            sees: Vec::new(),
            limits: call.limits.clone(),
        };
        self.launcher
            .run_tool(&tool, self.fill.as_deref(), on_piece)
            .await
    }

    /// Has each tool say its version in the sandbox, with `folder` as an empty scratch folder. Returns
    /// the first line of each answer. Nothing but running them shows that they can be run confined.
    pub async fn versions(&self, folder: &Path) -> Result<Vec<String>, ToolError> {
        let input = folder.join("nothing");
        tokio::fs::write(&input, b"")
            .await
            .map_err(ToolError::io("writing to the scratch folder"))?;
        let mut versions = Vec::new();
        for tool in [Name::Ffmpeg, Name::Ffprobe] {
            let call = ToolCall::version(tool, &input, folder);
            let said = self.output(&call).await?;
            let said = String::from_utf8_lossy(&said);
            versions.push(said.lines().next().unwrap_or_default().to_owned());
        }
        Ok(versions)
    }
}
