//! Draws pages in the sandbox, as files on this machine.

use std::fs::File;
use std::path::{Path, PathBuf};

use codecs::Rendered;
use media::formats::{DocumentFormat, OutputFormat};
use media::{Placeholder, Rejection};
use serde::{Deserialize, Serialize};
use workflows::{Attempt, StepError};

use super::office::Converted;
use super::{Unit, plan};
use crate::errors::{self, decoded};
use crate::kinds::{self, LocalFile, Made, Rendering, Source};
use crate::tools::Context;

/// A picture of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The number of the page; the first one's is 1.
    #[serde(default = "first")]
    pub page: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// What to show while it is loading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<Placeholder>,
}

const fn first() -> u32 {
    1
}

/// What is drawn.
enum Drawn<'a> {
    /// The original, as it was sent.
    Original(&'a Source),
    /// What was made of it.
    Converted(&'a Converted),
}

/// Draws them, in a folder that goes with the value. The file is refused if its first page cannot be drawn; others are
/// left out.
pub async fn render(
    cx: &Attempt<Context>,
    source: &Source,
    unit: Unit,
) -> Result<Rendering, StepError> {
    let mut rendering = Rendering {
        folder: cx.context.folder()?,
        made: Vec::new(),
        placeholder: None,
        document: None,
    };
    let original = Drawn::Original(source);
    match unit {
        Unit::FirstPage { format } => add(&mut rendering, cx, &original, (format, 1)).await?,
        Unit::FurtherPage { format, page } => {
            add(&mut rendering, cx, &original, (format, page)).await?;
        }
        Unit::OfficePages { format, pages } => {
            let converted = Converted::new(cx, source, format).await?;
            for page in 1..=pages.min(converted.facts.pages).max(1) {
                let drawn = Drawn::Converted(&converted);
                add(&mut rendering, cx, &drawn, (DocumentFormat::Pdf, page)).await?;
            }
            rendering.document = Some(converted.facts.clone());
        }
    }
    Ok(rendering)
}

/// Adds the pictures of a page.
async fn add(
    rendering: &mut Rendering,
    cx: &Attempt<Context>,
    drawn: &Drawn<'_>,
    (format, page): (DocumentFormat, u32),
) -> Result<(), StepError> {
    let (rendered, folder) = match draw(rendering.folder.path(), cx, drawn, (format, page)).await? {
        Ok(drawn) => drawn,
        Err(rejection) if page > 1 => {
            tracing::info!(rejection.code = %rejection.code, document.page = page, "a page is left out");
            return Ok(());
        }
        Err(rejection) => return Err(errors::reject(rejection)),
    };
    for image in &rendered.pictures {
        let name = format!("{}.{}", image.name, OutputFormat::Webp.extension());
        let file = LocalFile {
            path: folder.join(&name),
            name: name.clone(),
            mime_type: OutputFormat::Webp.mime_type(),
        };
        rendering.made.push(Made {
            name,
            files: vec![file],
            output: kinds::Output::Document(Output {
                page,
                width: image.width,
                height: image.height,
                placeholder: rendered.placeholder.clone(),
            }),
        });
    }
    if page == 1 {
        rendering.placeholder = rendered.placeholder;
    }
    Ok(())
}

/// Draws it, in a new folder within `within`.
async fn draw(
    within: &Path,
    cx: &Attempt<Context>,
    drawn: &Drawn<'_>,
    (format, page): (DocumentFormat, u32),
) -> Result<Result<(Rendered, PathBuf), Rejection>, StepError> {
    let context = &cx.context;
    let plan = plan::render_plan(Unit::of_page(format, page));
    let limits = super::limits(&context.limits);
    let rendered = decoded(|| async {
        let file: File = match drawn {
            Drawn::Original(source) => context.open(source).await?,
            Drawn::Converted(converted) => converted.open()?,
        };
        let folder = tempfile::tempdir_in(within);
        let folder = folder.map_err(|error| errors::machine("cannot make a scratch folder", error));
        // It goes with the one that it is in.
        let folder = folder?.keep();
        let rendered = context.decoders.render_document(
            file,
            (format, page),
            &plan,
            &folder,
            &limits,
            &cx.cancelled,
        );
        Ok((rendered.await?, folder))
    });
    rendered.await
}
