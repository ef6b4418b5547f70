//! Moves the original to the origin bucket under its content's name and plans what is made of it.

use media::{FileId, Sha256, files, keys, plans, recipes::Extras};
use serde_json::Value;
use sqlx::PgConnection;
use storage::Bucket;
use workflows::{Attempt, BoxError, Done, FanOut, NextOnError, Record, Step, StepError};

use crate::{
    errors,
    facts::{Probed, Promoted, RenderTask},
    kinds::{self, Plan},
    queues,
    tools::Context,
};

pub(crate) struct Promote;

impl Step for Promote {
    const NAME: &'static str = "promote";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Context = Context;
    type Input = Probed;
    type Output = FanOut<RenderTask, Promoted>;

    async fn run(
        cx: &Attempt<Context>,
        mut probed: Probed,
    ) -> Result<Done<Self::Output>, StepError> {
        let file_id = probed.file_id;
        if probed.probe.is_in_pieces() && in_one_piece(&cx.context, file_id).await? {
            probed.probe = probed.probe.in_one_piece();
        }
        let found = cx.context.found(file_id).await?;
        // From here on nobody removes it as long as this file needs it.
        let original = keys::original(&found.sha256);
        cx.context.claim(file_id, &original).await?;
        copy(&cx.context, &probed, &found).await?;
        let processing = Processing {
            file_id,
            plan: probed.probe.kept().or_fail()?,
        };
        let planned = FanOut {
            children: plan(&probed.probe, cx.context.extras, found.sha256),
            carry: Promoted {
                file_id,
                probe: probed.probe,
            },
        };
        Ok(Done::new(planned).recording(processing))
    }
}

/// Whether its pieces did not fit together before.
async fn in_one_piece(context: &Context, file_id: FileId) -> Result<bool, StepError> {
    let mut connection = context.connection().await?;
    let whole = files::in_one_piece(&mut connection, file_id).await;
    whole.map_err(errors::database)
}

/// Variants of the file are being made.
struct Processing {
    file_id: FileId,
    /// What people may see of what is made, of kinds that depend on the file.
    plan: Option<Value>,
}

impl Record for Processing {
    const SHARES_COMMIT: bool = true;

    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        if let Some(plan) = &self.plan {
            plans::record(tx, self.file_id, plan).await?;
        }
        Ok(files::mark_processing(tx, self.file_id).await?)
    }
}

/// The key names the content, so an object that is there already is the same.
async fn copy(context: &Context, probed: &Probed, found: &files::Facts) -> Result<(), StepError> {
    let store = &context.store;
    let original = keys::original(&found.sha256);
    let there = store
        .head(Bucket::Origin, &original)
        .await
        .map_err(errors::storage)?;
    if there.is_some_and(|object| object.size_bytes == found.size_bytes) {
        return Ok(());
    }
    let frozen = context.upload(probed.upload_id).await?.frozen_key();
    let from = (Bucket::Staging, &frozen);
    let to = (Bucket::Origin, &original);
    store
        .copy(from, &probed.etag, to, &found.mime_type, None)
        .await
        .map(drop)
        .map_err(errors::storage)
}

/// A task for each unit.
fn plan(probe: &kinds::Probe, extras: Extras, sha256: Sha256) -> Vec<RenderTask> {
    let Plan { recipe, units } = probe.plan(extras);
    let tasks = units.into_iter().map(|unit| RenderTask {
        sha256,
        recipe: recipe.clone(),
        unit,
    });
    tasks.collect()
}
