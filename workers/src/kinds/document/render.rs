//! Draws the first page in the sandbox, as files on this machine.

use media::document::Facts;
use media::formats::{DocumentFormat, OutputFormat};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use workflows::{Attempt, StepError};

use super::office::Converted;
use super::{Unit, plan};
use crate::errors::{self, decoded};
use crate::kinds::{self, LocalFile, Made, Source};
use crate::tools::Context;

/// A picture of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// What was found in a document that was no PDF when it was probed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
}

/// Draws them, in a folder that goes with the value.
pub async fn render(
    cx: &Attempt<Context>,
    source: &Source,
    unit: Unit,
) -> Result<(TempDir, Vec<Made>), StepError> {
    let context = &cx.context;
    let Unit::FirstPage { format } = unit;
    let converted = if format.is_office() {
        Some(Converted::new(cx, source, format).await?)
    } else {
        None
    };
    let drawn = converted.as_ref().map_or(format, |_| DocumentFormat::Pdf);
    let (plan, limits) = (plan::render_plan(), super::limits(&context.limits));
    let rendered = decoded(|| async {
        let file = match &converted {
            Some(converted) => converted.open()?,
            None => context.open(source).await?,
        };
        let folder = context.folder()?;
        let rendered = context.decoders.render_document(
            file,
            drawn,
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
                facts: converted.as_ref().map(|converted| converted.facts.clone()),
            }),
        }
    });
    let made = made.collect();
    Ok((folder, made))
}
