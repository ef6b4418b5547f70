//! Deletes what the client of a refused file sent.
//!
//! A workflow of its own, started in the transaction that records the refusal: the bytes go when
//! and only when it is on record, however often either is tried.

use std::sync::Arc;

use media::{UploadId, storage::StorageError, uploads};
use serde::{Deserialize, Serialize};
use workflows::{Done, NextOnError, Step, StepContext, StepError};

use crate::{errors, queues, tools::Tools};

/// The session whose bytes are to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The session.
    pub upload_id: UploadId,
}

pub(crate) struct Discard(pub Arc<Tools>);

impl Step for Discard {
    const NAME: &'static str = "discard";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Input = Refused;
    type Output = ();

    async fn run(
        &self,
        _: &StepContext,
        Refused { upload_id }: Refused,
    ) -> Result<Done<()>, StepError> {
        let mut connection = media::pool::borrow(&self.0.pool).await.or_retry()?;
        let upload = uploads::load(&mut connection, upload_id).await.or_retry()?;
        drop(connection);
        // Refused before its parts were joined: they are still there, and cost money.
        if let Some((key, Some(id))) = upload.map(|u| (u.object_key, u.s3_upload_id)) {
            match self.0.store.abort_multipart(&key, &id).await {
                Ok(()) | Err(StorageError::NoSuchUpload) => {}
                Err(error) => return Err(errors::storage(error)),
            }
        }
        self.0
            .clear_staging(upload_id)
            .await
            .map_err(errors::storage)?;
        Ok(Done::new(()))
    }
}
