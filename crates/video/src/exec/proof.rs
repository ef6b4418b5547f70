//! Whether the tools are there and can be run confined, found out by running them.

use std::path::Path;

use crate::exec::command::{Tool, ToolCall};
use crate::exec::error::ToolError;
use crate::exec::launch::Tools;

impl Tools {
    /// Has each tool say its version in the sandbox, with `folder` as an empty scratch folder. Returns
    /// the first line of each answer.
    pub async fn versions(&self, folder: &Path) -> Result<Vec<String>, ToolError> {
        let input = folder.join("nothing");
        tokio::fs::write(&input, b"")
            .await
            .map_err(ToolError::io("writing to the scratch folder"))?;
        let mut versions = Vec::new();
        for tool in [Tool::Ffmpeg, Tool::Ffprobe] {
            let call = ToolCall::version(tool, &input, folder);
            let said = self.output(&call).await?;
            let said = String::from_utf8_lossy(&said);
            versions.push(said.lines().next().unwrap_or_default().to_owned());
        }
        Ok(versions)
    }
}
