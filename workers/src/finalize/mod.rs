//! The gate to READY: every variant is in place as recorded, exactly once, and what the client
//! sent is cleared from staging.

mod decide;

use std::sync::Arc;

use media::{
    files,
    storage::Bucket,
    variants::{self, NewVariant},
};
use workflows::{Done, Joined, NextOnError, Step, StepContext, StepError};

use crate::{
    errors,
    facts::{Promoted, Transcoded},
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
            self.check(variant).await?;
        }
        let upload_id = carry.validated.scanned.assembled.upload_id;
        self.0
            .clear_staging(upload_id)
            .await
            .map_err(errors::storage)?;
        let file_id = carry.validated.scanned.assembled.file_id;
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
    async fn check(&self, variant: &NewVariant) -> Result<(), StepError> {
        let key = &variant.storage_path;
        let object = self
            .0
            .store
            .head(Bucket::Origin, key)
            .await
            .map_err(errors::storage)?;
        match object {
            Some(object) if object.size_bytes == variant.size_bytes => Ok(()),
            _ => Err(NotInPlace(key.to_string())).or_fail(),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("variant {0} is not in the origin bucket as it was stored")]
struct NotInPlace(String);
