//! Makes the outputs of one unit of work in the sandbox and stores them under keys that carry the
//! attempt's token: a zombie writes beside the winner, never over it.

use std::path::Path;

use decoders::{OutputSpec, RenderPlan, RenderedImage};
use media::{
    FileId, keys,
    recipes::{self, Output, Unit},
    storage::Bucket,
    variants::NewVariant,
};
use tempfile::TempDir;
use workflows::{Attempt, Done, NextOnError, Step, StepError};

use crate::{
    errors::{self, StepOrDecodeError},
    facts::{TranscodeUnit, Transcoded},
    queues,
    tools::Context,
};

pub(crate) struct Transcode;

/// Media never changes under its key.
const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

impl Step for Transcode {
    const NAME: &'static str = "transcode";
    const QUEUE: &'static str = queues::TRANSCODE;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Context = Context;
    type Input = TranscodeUnit;
    type Output = Transcoded;

    async fn run(
        cx: &Attempt<Context>,
        task: TranscodeUnit,
    ) -> Result<Done<Transcoded>, StepError> {
        let recipe = recipes::of(task.format.kind());
        let unit = recipe.unit(task.unit).ok_or(NoSuchUnit).or_fail()?;
        let mut rendered = render(cx, &task, unit).await;
        if errors::crashed(&rendered) {
            rendered = render(cx, &task, unit).await;
        }
        let (folder, images) = rendered?;
        let made = keys::media_prefix(&task.sha256, &task.recipe, cx.token);
        cx.context.claim(FileId(cx.subject), &made).await?;
        let mut variants = Vec::new();
        for image in images {
            let output = unit
                .outputs
                .iter()
                .find(|output| name(output) == image.name);
            let output = output.ok_or(NoSuchUnit).or_fail()?;
            variants.push(store(cx, &task, output, &image, folder.path()).await?);
        }
        Ok(Done::new(Transcoded { variants }))
    }
}

async fn render(
    cx: &Attempt<Context>,
    task: &TranscodeUnit,
    unit: &Unit,
) -> Result<(TempDir, Vec<RenderedImage>), StepOrDecodeError> {
    let Context {
        store,
        scratch,
        decoders,
        ..
    } = cx.context.as_ref();
    let key = keys::original(&task.sha256);
    let file = scratch
        .fetch(store, Bucket::Origin, &key, &task.sha256)
        .await
        .map_err(errors::scratch)?;
    let folder = scratch.folder();
    let folder = folder.map_err(|error| errors::machine("cannot make a scratch folder", error))?;
    let plan = RenderPlan {
        outputs: unit.outputs.iter().map(spec).collect(),
    };
    let limits = cx.context.image_limits();
    let rendered = decoders
        .render_image(file, &plan, folder.path(), &limits, &cx.cancelled)
        .await?;
    Ok((folder, rendered))
}

async fn store(
    cx: &Attempt<Context>,
    task: &TranscodeUnit,
    output: &Output,
    image: &RenderedImage,
    folder: &Path,
) -> Result<NewVariant, StepError> {
    let file_name = output.file_name();
    let key = keys::media(&task.sha256, &task.recipe, cx.token, &file_name);
    let path = folder.join(&file_name);
    let mime_type = output.format.mime_type();
    let stored = cx
        .context
        .store
        .put_file(Bucket::Origin, &key, &path, mime_type, Some(CACHE_CONTROL))
        .await
        .map_err(errors::storage)?;
    Ok(NewVariant {
        kind: output.kind,
        format: output.format,
        width: Some(image.width),
        height: Some(image.height),
        bitrate: None,
        storage_path: key,
        size_bytes: stored.size_bytes,
    })
}

fn spec(output: &Output) -> OutputSpec {
    OutputSpec {
        name: name(output),
        max_width: output.max_width,
        quality: output.quality,
        method: output.effort,
    }
}

/// The file name without its extension, which the decoder adds.
fn name(output: &Output) -> String {
    let file_name = output.file_name();
    let stem = file_name.strip_suffix(output.format.extension());
    stem.map_or(file_name.as_str(), |stem| stem.trim_end_matches('.'))
        .to_owned()
}

#[derive(Debug, thiserror::Error)]
#[error("this build's recipe does not have the planned unit")]
struct NoSuchUnit;
