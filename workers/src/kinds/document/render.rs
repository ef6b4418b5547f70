//! Draws the first page in the sandbox, as files on this machine.

use media::formats::OutputFormat;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use workflows::{Attempt, StepError};

use super::{Unit, plan};
use crate::errors::{self, decoded};
use crate::kinds::{self, LocalFile, Made, Source};
use crate::tools::Context;

/// A picture of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// Draws them, in a folder that goes with the value.
pub async fn render(
    cx: &Attempt<Context>,
    source: &Source,
    unit: Unit,
) -> Result<(TempDir, Vec<Made>), StepError> {
    let context = &cx.context;
    let Unit::FirstPage { format } = unit;
    let (plan, limits) = (plan::render_plan(), super::limits(&context.limits));
    let rendered = decoded(|| async {
        let file = context.open(source).await?;
        let folder = context.folder()?;
        let rendered = context.decoders.render_document(
            file,
            format,
            &plan,
            folder.path(),
            &limits,
            &cx.cancelled,
        );
        Ok((rendered.await?, folder))
    });
    let (rendered, folder) = rendered.await?.map_err(errors::reject)?;
    let made = rendered.pictures.iter().map(|image| {
        let name = format!("{}.{}", image.name, OutputFormat::Webp.extension());
        let file = LocalFile {
            path: folder.path().join(&name),
            name: name.clone(),
            mime_type: OutputFormat::Webp.mime_type(),
        };
        Made {
            name,
            files: vec![file],
            output: kinds::Output::Document(Output {
                width: image.width,
                height: image.height,
            }),
        }
    });
    let made = made.collect();
    Ok((folder, made))
}
