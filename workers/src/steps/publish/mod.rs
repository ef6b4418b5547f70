//! The gate to READY: every variant is in place as recorded, exactly once, and so is the original.
//! What the client sent is removed after that, when READY is on record.

mod decide;

use std::sync::Arc;

use media::{
    files,
    variants::{self, NewVariant},
};
use storage::{Bucket, ObjectKey};
use workflows::{Done, Joined, NextOnError, Step, StepContext, StepError};

use crate::{
    errors,
    facts::{Assembled, Promoted, Transcoded},
    queues,
    tools::Tools,
};

pub(crate) struct Finalize(pub Arc<Tools>);

impl Step for Finalize {
    const NAME: &'static str = "finalize";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Input = Joined<Promoted, Transcoded>;
    type Output = ();

    async fn run(
        &self,
        _: &StepContext,
        Joined { carry, children }: Self::Input,
    ) -> Result<Done<()>, StepError> {
        let variants: Vec<NewVariant> = children.into_iter().flat_map(|c| c.variants).collect();
        decide::check(&carry, &variants).or_fail()?;
        for variant in &variants {
            self.check(&variant.storage_path, variant.size_bytes)
                .await?;
        }
        let Assembled {
            file_id,
            size_bytes,
            ..
        } = carry.validated.scanned.assembled;
        self.check(&carry.original, size_bytes).await?;
        let ready = Arc::new((variants, carry.original));
        Ok(Done::new(()).writing_own_rows(move |tx| {
            let ready = ready.clone();
            Box::pin(async move {
                let (made, original) = ready.as_ref();
                variants::record(tx, file_id, made).await?;
                files::mark_ready(tx, file_id, original.as_str()).await?;
                Ok(())
            })
        }))
    }
}

impl Finalize {
    async fn check(&self, key: &ObjectKey, size_bytes: u64) -> Result<(), StepError> {
        let object = self
            .0
            .store
            .head(Bucket::Origin, key)
            .await
            .map_err(errors::storage)?;
        match object {
            Some(object) if object.size_bytes == size_bytes => Ok(()),
            Some(_) => Err(Differs(key.to_string())).or_fail(),
            None => Err(errors::absent(key)),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0} is not in the origin bucket as it was stored")]
struct Differs(String);
