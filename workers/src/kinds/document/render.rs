//! Draws a page in the sandbox, as files on this machine.

use codecs::Rendered;
use media::formats::OutputFormat;
use serde::{Deserialize, Serialize};
use workflows::{Attempt, StepError};

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
}

const fn first() -> u32 {
    1
}

/// Draws them, in a folder that goes with the value. The file is refused if its first page cannot be drawn; others are
/// left out.
pub async fn render(
    cx: &Attempt<Context>,
    source: &Source,
    unit: Unit,
) -> Result<Rendering, StepError> {
    let context = &cx.context;
    let (format, page) = unit.page();
    let (plan, limits) = (plan::render_plan(unit), super::limits(&context.limits));
    let rendered = decoded(|| async {
        let file = context.open(source).await?;
        let folder = context.folder()?;
        let rendered = context.decoders.render_document(
            file,
            (format, page),
            &plan,
            folder.path(),
            &limits,
            &cx.cancelled,
        );
        Ok((rendered.await?, folder))
    });
    let (rendered, folder) = match rendered.await? {
        Ok(drawn) => drawn,
        Err(rejection) if page > 1 => {
            tracing::info!(rejection.code = %rejection.code, document.page = page, "a page is left out");
            (Rendered::default(), context.folder()?)
        }
        Err(rejection) => return Err(errors::reject(rejection)),
    };
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
                page,
                width: image.width,
                height: image.height,
            }),
        }
    });
    let made = made.collect();
    Ok(Rendering {
        folder,
        made,
        placeholder: (page == 1).then_some(rendered.placeholder),
    })
}
