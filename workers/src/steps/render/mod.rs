//! Makes the outputs of one unit of work in the sandbox and stores them under keys that carry the
//! attempt's token: a zombie writes beside the winner, never over it.

use std::{sync::Arc, time::Duration};

use media::{FileId, keys};
use storage::Bucket;
use tempfile::TempDir;
use workflows::{Done, NextOnError, Step, StepContext, StepError, StepSettings};

use crate::{
    errors,
    facts::{RenderTask, Rendered},
    kinds::{Made, Source, Stored, Unit, image},
    queues,
    tools::Tools,
};

pub(crate) struct Render(pub Arc<Tools>);

/// Media never changes under its key.
const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

impl Step for Render {
    const NAME: &'static str = "render";
    const QUEUE: &'static str = queues::RENDER;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Input = RenderTask;
    type Output = Rendered;

    fn settings(&self) -> StepSettings {
        // Each unit has a limit of its own, which comes first.
        StepSettings {
            timeout: Unit::LONGEST + Duration::from_mins(1),
            ..StepSettings::default()
        }
    }

    async fn run(
        &self,
        context: &StepContext,
        task: RenderTask,
    ) -> Result<Done<Rendered>, StepError> {
        let limit = task.unit.timeout();
        let outputs = tokio::time::timeout(limit, self.make(context, &task));
        let outputs = outputs.await.map_err(|_| TooSlow(limit)).or_retry()??;
        Ok(Done::new(Rendered { outputs }))
    }
}

impl Render {
    async fn make(
        &self,
        context: &StepContext,
        task: &RenderTask,
    ) -> Result<Vec<Stored>, StepError> {
        // The folder goes when everything in it is stored.
        let (_folder, made) = self.render(context, task).await?;
        let prefix = keys::media_prefix(&task.sha256, &task.recipe, context.token);
        self.0.claim(FileId(context.subject), &prefix).await?;
        let mut outputs = Vec::new();
        for made in made {
            outputs.push(self.store(context, task, made).await?);
        }
        Ok(outputs)
    }

    async fn render(
        &self,
        context: &StepContext,
        task: &RenderTask,
    ) -> Result<(TempDir, Vec<Made>), StepError> {
        let original = Source {
            bucket: Bucket::Origin,
            key: keys::original(&task.sha256),
            sha256: task.sha256,
        };
        match &task.unit {
            Unit::Image(unit) => image::render::render(&self.0, context, &original, unit).await,
        }
    }

    async fn store(
        &self,
        context: &StepContext,
        task: &RenderTask,
        made: Made,
    ) -> Result<Stored, StepError> {
        let key = keys::media(&task.sha256, &task.recipe, context.token, &made.file_name);
        let store = &self.0.store;
        let (path, mime_type) = (&made.path, made.mime_type);
        let stored = store
            .put_file(Bucket::Origin, &key, path, mime_type, Some(CACHE_CONTROL))
            .await
            .map_err(errors::storage)?;
        Ok(Stored {
            key,
            size_bytes: stored.size_bytes,
            output: made.output,
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("this unit of work took longer than {0:?}")]
struct TooSlow(Duration);
