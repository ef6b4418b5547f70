//! Moves the original to the origin bucket under its content's name and plans what is made of it.

use std::sync::Arc;

use media::{files, keys};
use storage::Bucket;
use workflows::{Done, FanOut, Step, StepContext, StepError};

use crate::{
    errors,
    facts::{Probed, Promoted, RenderTask},
    kinds::Plan,
    queues,
    tools::Tools,
};

pub(crate) struct Promote(pub Arc<Tools>);

impl Step for Promote {
    const NAME: &'static str = "promote";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Input = Probed;
    type Output = FanOut<RenderTask, Promoted>;

    async fn run(&self, _: &StepContext, probed: Probed) -> Result<Done<Self::Output>, StepError> {
        let original = keys::original(&probed.scanned.sha256);
        let file_id = probed.scanned.assembled.file_id;
        // From here on nobody removes it as long as this file needs it.
        self.0.claim(file_id, &original).await?;
        self.copy(&probed, &original).await?;
        let children = plan(&probed);
        let carry = Promoted { probed, original };
        Ok(
            Done::new(FanOut { children, carry }).writing_own_rows(move |tx| {
                Box::pin(async move { Ok(files::mark_processing(tx, file_id).await?) })
            }),
        )
    }
}

impl Promote {
    /// The key names the content, so an object that is there already is the same.
    async fn copy(&self, probed: &Probed, original: &storage::ObjectKey) -> Result<(), StepError> {
        let store = &self.0.store;
        let assembled = &probed.scanned.assembled;
        let there = store
            .head(Bucket::Origin, original)
            .await
            .map_err(errors::storage)?;
        if there.is_some_and(|object| object.size_bytes == assembled.size_bytes) {
            return Ok(());
        }
        let from = (Bucket::Staging, &assembled.key);
        let to = (Bucket::Origin, original);
        let mime_type = probed.probe.format().mime_type();
        store
            .copy(from, &assembled.etag, to, mime_type, None)
            .await
            .map(drop)
            .map_err(errors::storage)
    }
}

/// A task for each unit.
fn plan(probed: &Probed) -> Vec<RenderTask> {
    let Plan { recipe, units } = probed.probe.plan();
    let tasks = units.into_iter().map(|unit| RenderTask {
        sha256: probed.scanned.sha256,
        recipe: recipe.clone(),
        unit,
    });
    tasks.collect()
}
