//! The gate to READY: every variant is in place as recorded, exactly once, and so is the original.
//! What the client sent is removed after that, when READY is on record.

use std::sync::Arc;

use media::{
    files,
    variants::{self, NewVariant},
};
use storage::{Bucket, ObjectKey};
use workflows::{Done, Joined, NextOnError, Step, StepContext, StepError};

use crate::{
    errors,
    facts::{Assembled, Promoted, Rendered},
    kinds::Stored,
    queues,
    tools::Tools,
};

pub(crate) struct Publish(pub Arc<Tools>);

impl Step for Publish {
    const NAME: &'static str = "publish";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Input = Joined<Promoted, Rendered>;
    type Output = ();

    async fn run(
        &self,
        _: &StepContext,
        Joined { carry, children }: Self::Input,
    ) -> Result<Done<()>, StepError> {
        let stored: Vec<_> = children.into_iter().flat_map(|c| c.outputs).collect();
        carry.probed.probe.check(&stored).or_fail()?;
        for output in &stored {
            self.check(&output.key, output.size_bytes).await?;
        }
        let variants: Vec<NewVariant> = stored.into_iter().map(Stored::variant).collect();
        let Assembled {
            file_id,
            size_bytes,
            ..
        } = carry.probed.scanned.assembled;
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

impl Publish {
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
