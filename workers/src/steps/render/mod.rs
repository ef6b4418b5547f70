//! Makes the outputs of one unit of work in the sandbox and stores them under keys that carry the
//! attempt's token: a zombie writes beside the winner, never over it.

use std::time::Duration;

use media::{FileId, keys};
use storage::{Bucket, CACHE_FOR_EVER, ObjectKey};
use workflows::{Attempt, Done, NextOnError, Step, StepError, StepSettings};

use crate::{
    errors,
    facts::{RenderTask, Rendered},
    kinds::{Made, Rendering, Source, Stored, Unit, audio, document, image, video},
    queues,
    tools::Context,
};

pub(crate) struct Render;

/// Decoders die in processes of their own, so whatever kills a worker is hardly ever the file; and what renders for minutes
/// is hit by more of it than other steps are.
pub(super) const CRASH_LIMIT: u32 = 6;

impl Step for Render {
    const NAME: &'static str = "render";
    const QUEUE: &'static str = queues::RENDER;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Context = Context;
    type Input = RenderTask;
    type Output = Rendered;

    fn settings() -> StepSettings {
        // The unit's own limit ends an attempt first. This one is a minute longer, in case that fails.
        StepSettings {
            timeout: Unit::LONGEST + Duration::from_mins(1),
            crash_limit: CRASH_LIMIT,
            ..StepSettings::default()
        }
    }

    async fn run(cx: &Attempt<Context>, task: RenderTask) -> Result<Done<Rendered>, StepError> {
        run(cx, &task).await
    }
}

/// One attempt, within the unit's own limit.
pub(super) async fn run(
    cx: &Attempt<Context>,
    task: &RenderTask,
) -> Result<Done<Rendered>, StepError> {
    let limit = task.unit.timeout();
    let rendered = tokio::time::timeout(limit, make(cx, task));
    let rendered = rendered.await.map_err(|_| TooSlow(limit)).or_retry()??;
    Ok(Done::new(rendered))
}

/// Makes the outputs and stores them, all within the unit's own limit.
async fn make(cx: &Attempt<Context>, task: &RenderTask) -> Result<Rendered, StepError> {
    let Rendering {
        // It has to live until all outputs are stored: dropped, it deletes them.
        folder: _folder,
        made,
        placeholder,
        document,
    } = render(cx, task).await?;
    let prefix = keys::media_prefix(&task.sha256, &task.recipe, cx.token);
    cx.context.claim(FileId(cx.subject), &prefix).await?;
    let mut outputs = Vec::new();
    for made in made {
        outputs.push(store(cx, &prefix, made).await?);
    }
    Ok(Rendered {
        outputs,
        placeholder,
        document,
    })
}

async fn render(cx: &Attempt<Context>, task: &RenderTask) -> Result<Rendering, StepError> {
    let original = Source {
        bucket: Bucket::Origin,
        key: keys::original(&task.sha256),
        sha256: task.sha256,
    };
    match &task.unit {
        Unit::Image(unit) => image::render::render(cx, &original, unit).await,
        Unit::Video(unit) => video::render::render(cx, &original, unit).await,
        Unit::Audio(unit) => audio::render::render(cx, &original, unit).await,
        Unit::Document(unit) => document::render::render(cx, &original, *unit).await,
    }
}

async fn store(cx: &Attempt<Context>, prefix: &ObjectKey, made: Made) -> Result<Stored, StepError> {
    let key = |name: &str| ObjectKey::new(format!("{prefix}{name}")).or_fail();
    let store = &cx.context.store;
    let mut size_bytes = 0;
    for file in &made.files {
        let (key, path) = (key(&file.name)?, &file.path);
        let stored = store
            .put_file(
                Bucket::Origin,
                &key,
                path,
                file.mime_type,
                Some(CACHE_FOR_EVER),
            )
            .await
            .map_err(errors::storage)?;
        size_bytes += stored.size_bytes;
    }
    Ok(Stored {
        key: key(&made.name)?,
        size_bytes,
        output: made.output,
    })
}

#[derive(Debug, thiserror::Error)]
#[error("this unit of work took longer than {0:?}")]
struct TooSlow(Duration);
