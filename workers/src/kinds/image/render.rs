//! Makes the outputs of one unit in the sandbox, as files on this machine.

use std::fs::File;
use std::path::Path;

use codecs::{Encoding, Rendered, RenderedImage};
use media::Placeholder;
use media::formats::OutputFormat;
use media::recipes::image::{self, UnitName};
use media::variants::VariantKind;
use serde::{Deserialize, Serialize};
use workflows::{Attempt, NextOnError, StepError};

use super::{Unit, plan};
use crate::errors::{self, decoded};
use crate::kinds::{self, LocalFile, Made, Rendering, Source};
use crate::tools::Context;

/// A picture that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// What it is for.
    pub kind: VariantKind,
    /// How it is encoded.
    pub format: OutputFormat,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Whether the file ends before its picture does.
    #[serde(default)]
    pub is_cut: bool,
    /// Whether there are more frames, which are not shown.
    #[serde(default)]
    pub is_first_frame: bool,
}

/// Makes them, in a folder that goes with the value.
pub async fn render(
    cx: &Attempt<Context>,
    source: &Source,
    unit: &Unit,
) -> Result<Rendering, StepError> {
    let unit = image::unit(unit.name);
    match unit.name {
        UnitName::Full | UnitName::Thumbnails | UnitName::FullAvif | UnitName::ThumbnailsAvif => {
            render_plain(cx, source, &unit).await
        }
        UnitName::Hdr => render_hdr(cx, source, &unit).await,
    }
}

async fn render_plain(
    cx: &Attempt<Context>,
    source: &Source,
    unit: &image::Unit,
) -> Result<Rendering, StepError> {
    let context = &cx.context;
    let plan = plan::render_plan(unit, context.keep_rights);
    let limits = super::limits(&context.limits);
    let rendered = decoded(|| async {
        let file = context.open(source).await?;
        let folder = context.folder()?;
        let cancelled = &cx.cancelled;
        let rendered =
            context
                .decoders
                .render_image(file, &plan, folder.path(), &limits, cancelled);
        Ok((rendered.await?, folder))
    });
    let (rendered, folder) = match rendered.await? {
        Ok(rendered) => rendered,
        // The WebPs show whether the file is at fault.
        Err(refusal) if plan.encoding == Encoding::Avif => {
            tracing::info!(refusal.code = ?refusal.code, "a picture was left without its AVIF");
            (Rendered::default(), context.folder()?)
        }
        Err(refusal) => return Err(errors::reject(refusal)),
    };
    let images = rendered.pictures.iter();
    let made = images.map(|image| made(unit, folder.path(), image, &rendered));
    let made = made.collect::<Result<_, _>>()?;
    Ok(Rendering {
        folder,
        made,
        placeholder: rendered.placeholder.clone(),
        document: None,
    })
}

/// The picture with a gain map. Where it cannot be made, the image is served without: the others show whether the file is
/// at fault.
async fn render_hdr(
    cx: &Attempt<Context>,
    source: &Source,
    unit: &image::Unit,
) -> Result<Rendering, StepError> {
    let context = &cx.context;
    let output = unit.outputs.first().ok_or(Unplanned).or_fail()?;
    let plan = plan::hdr_plan(output, context.keep_rights);
    let limits = super::limits(&context.limits);
    let rendered = decoded(|| async {
        let file = context.open(source).await?;
        let folder = context.folder()?;
        let (path, cancelled) = (folder.path(), &cx.cancelled);
        let decoders = &context.decoders;
        let rendered = decoders.render_hdr(file, &plan, path, &limits, cancelled);
        Ok((rendered.await?, folder))
    });
    let (image, folder) = match rendered.await? {
        Ok(rendered) => rendered,
        Err(refusal) => {
            tracing::info!(refusal.code = ?refusal.code, "a picture was left without its gain map");
            (None, context.folder()?)
        }
    };
    let made = image
        .iter()
        .map(|image| made(unit, folder.path(), image, &Rendered::default()));
    let made = made.collect::<Result<_, _>>()?;
    Ok(Rendering {
        folder,
        made,
        placeholder: None,
        document: None,
    })
}

fn made(
    unit: &image::Unit,
    folder: &Path,
    image: &RenderedImage,
    rendered: &Rendered,
) -> Result<Made, StepError> {
    let mut outputs = unit.outputs.iter();
    let output = outputs.find(|output| output.name() == image.name);
    let output = output.ok_or(Unplanned).or_fail()?;
    let name = output.file_name();
    let file = LocalFile {
        path: folder.join(&name),
        name: name.clone(),
        mime_type: output.format.mime_type(),
    };
    Ok(Made {
        name,
        files: vec![file],
        output: kinds::Output::Image(Output {
            kind: output.kind,
            format: output.format,
            width: image.width,
            height: image.height,
            is_cut: rendered.is_cut,
            is_first_frame: rendered.is_first_frame,
        }),
    })
}

/// What to show while a picture on this machine is loading. None of what is no picture.
pub async fn placeholder(
    cx: &Attempt<Context>,
    picture: &Path,
) -> Result<Option<Placeholder>, StepError> {
    let context = &cx.context;
    let (plan, limits) = (plan::smallest(), super::limits(&context.limits));
    let disk = |error| errors::machine("cannot read the scratch folder", error);
    let rendered = decoded(|| async {
        let file = File::open(picture).map_err(disk)?;
        let folder = context.folder()?;
        let rendered =
            context
                .decoders
                .render_image(file, &plan, folder.path(), &limits, &cx.cancelled);
        Ok(rendered.await?.placeholder)
    });
    Ok(rendered.await?.ok().flatten())
}

#[derive(Debug, thiserror::Error)]
#[error("the decoder has made what it was not told to")]
struct Unplanned;
