//! Moves the original to the origin bucket under its content's name and plans the transcoding.

use std::sync::Arc;

use media::{files, keys, recipes};
use storage::Bucket;
use workflows::{Done, FanOut, Step, StepContext, StepError};

use crate::{
    errors,
    facts::{Promoted, TranscodeUnit, Validated},
    queues,
    tools::Tools,
};

pub(crate) struct Promote(pub Arc<Tools>);

impl Step for Promote {
    const NAME: &'static str = "promote";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Input = Validated;
    type Output = FanOut<TranscodeUnit, Promoted>;

    async fn run(
        &self,
        _: &StepContext,
        validated: Validated,
    ) -> Result<Done<Self::Output>, StepError> {
        let original = keys::original(&validated.scanned.sha256);
        let file_id = validated.scanned.assembled.file_id;
        // From here on nobody removes it as long as this file needs it.
        self.0.claim(file_id, &original).await?;
        self.copy(&validated, &original).await?;
        let children = plan(&validated);
        let carry = Promoted {
            validated,
            original,
        };
        Ok(
            Done::new(FanOut { children, carry }).writing_own_rows(move |tx| {
                Box::pin(async move { Ok(files::mark_processing(tx, file_id).await?) })
            }),
        )
    }
}

impl Promote {
    /// The key names the content, so an object that is there already is the same.
    async fn copy(
        &self,
        validated: &Validated,
        original: &storage::ObjectKey,
    ) -> Result<(), StepError> {
        let store = &self.0.store;
        let assembled = &validated.scanned.assembled;
        let there = store
            .head(Bucket::Origin, original)
            .await
            .map_err(errors::storage)?;
        if there.is_some_and(|object| object.size_bytes == assembled.size_bytes) {
            return Ok(());
        }
        let from = (Bucket::Staging, &assembled.key);
        let to = (Bucket::Origin, original);
        let mime_type = validated.format.mime_type();
        store
            .copy(from, &assembled.etag, to, mime_type, None)
            .await
            .map(drop)
            .map_err(errors::storage)
    }
}

fn plan(validated: &Validated) -> Vec<TranscodeUnit> {
    let recipe = recipes::of(validated.format.kind());
    let hash = recipe.hash();
    let units = recipe.units.iter().map(|unit| TranscodeUnit {
        sha256: validated.scanned.sha256,
        format: validated.format,
        recipe: hash.clone(),
        unit: unit.name,
    });
    units.collect()
}
