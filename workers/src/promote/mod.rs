//! Moves the original to the origin bucket under its content's name and plans the transcoding.

use media::{FileId, Sha256, files, formats::InputFormat, keys, recipes, storage::Bucket};
use sqlx::PgConnection;
use workflows::{Attempt, BoxError, Done, FanOut, NextOnError, Record, Step, StepError};

use crate::{
    errors,
    facts::{Promoted, TranscodeUnit, Validated},
    queues,
    tools::{Context, Missing},
};

pub(crate) struct Promote;

impl Step for Promote {
    const NAME: &'static str = "promote";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Context = Context;
    type Input = Validated;
    type Output = FanOut<TranscodeUnit, Promoted>;

    async fn run(
        cx: &Attempt<Context>,
        validated: Validated,
    ) -> Result<Done<Self::Output>, StepError> {
        let file_id = validated.file_id;
        let found = cx.context.file(file_id).await?.facts;
        let found = found.ok_or(Missing("content")).or_fail()?;
        let format = InputFormat::from_declared(&found.mime_type);
        let format = format.ok_or(Missing("format")).or_fail()?;
        // From here on nobody removes it as long as this file needs it.
        let original = keys::original(&found.sha256);
        cx.context.claim(file_id, &original).await?;
        copy(&cx.context, &validated, &found).await?;
        let Validated { width, height, .. } = validated;
        let planned = FanOut {
            children: plan(found.sha256, format),
            carry: Promoted {
                file_id,
                width,
                height,
            },
        };
        Ok(Done::new(planned).recording(Processing(file_id)))
    }
}

/// Variants of the file are being made.
struct Processing(FileId);

impl Record for Processing {
    const SHARES_COMMIT: bool = true;

    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        Ok(files::mark_processing(tx, self.0).await?)
    }
}

/// The key names the content, so an object that is there already is the same.
async fn copy(
    context: &Context,
    validated: &Validated,
    found: &files::Facts,
) -> Result<(), StepError> {
    let store = &context.store;
    let original = keys::original(&found.sha256);
    let there = store
        .head(Bucket::Origin, &original)
        .await
        .map_err(errors::storage)?;
    if there.is_some_and(|object| object.size_bytes == found.size_bytes) {
        return Ok(());
    }
    let frozen = context.upload(validated.upload_id).await?.frozen_key();
    let from = (Bucket::Staging, &frozen);
    let to = (Bucket::Origin, &original);
    store
        .copy(from, &validated.etag, to, &found.mime_type, None)
        .await
        .map(drop)
        .map_err(errors::storage)
}

fn plan(sha256: Sha256, format: InputFormat) -> Vec<TranscodeUnit> {
    let recipe = recipes::of(format.kind());
    let hash = recipe.hash();
    let units = recipe.units.iter().map(|unit| TranscodeUnit {
        sha256,
        format,
        recipe: hash.clone(),
        unit: unit.name,
    });
    units.collect()
}
