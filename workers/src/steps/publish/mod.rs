//! The gate to READY: every variant is in place as recorded, exactly once, and so is the original.
//! What the client sent is removed after that, when READY is on record.

use media::{
    FileId, files, keys,
    variants::{self, NewVariant},
};
use sqlx::PgConnection;
use storage::{Bucket, ObjectKey};
use workflows::{Attempt, BoxError, Done, Joined, NextOnError, Record, Step, StepError};

use crate::{
    errors,
    facts::{Promoted, Rendered},
    kinds::Stored,
    queues,
    tools::Context,
};

pub(crate) struct Publish;

impl Step for Publish {
    const NAME: &'static str = "publish";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Context = Context;
    type Input = Joined<Promoted, Rendered>;
    type Output = ();

    async fn run(
        cx: &Attempt<Context>,
        Joined { carry, children }: Self::Input,
    ) -> Result<Done<()>, StepError> {
        let stored: Vec<_> = children.into_iter().flat_map(|c| c.outputs).collect();
        carry.probe.check(&stored).or_fail()?;
        for output in &stored {
            check(&cx.context, &output.key, output.size_bytes).await?;
        }
        let file_id = carry.file_id;
        let found = cx.context.found(file_id).await?;
        let original = keys::original(&found.sha256);
        check(&cx.context, &original, found.size_bytes).await?;
        Ok(Done::new(()).recording(Ready {
            file_id,
            variants: stored.into_iter().map(Stored::variant).collect(),
            original,
        }))
    }
}

/// The file can be served.
struct Ready {
    file_id: FileId,
    variants: Vec<NewVariant>,
    original: ObjectKey,
}

impl Record for Ready {
    const SHARES_COMMIT: bool = true;

    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        variants::record(tx, self.file_id, &self.variants).await?;
        files::mark_ready(tx, self.file_id, self.original.as_str()).await?;
        Ok(())
    }
}

async fn check(context: &Context, key: &ObjectKey, size_bytes: u64) -> Result<(), StepError> {
    let object = context.store.head(Bucket::Origin, key).await;
    match object.map_err(errors::storage)? {
        Some(object) if object.size_bytes == size_bytes => Ok(()),
        Some(_) => Err(Differs(key.to_string())).or_fail(),
        None => Err(errors::absent(key)),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0} is not in the origin bucket as it was stored")]
struct Differs(String);
