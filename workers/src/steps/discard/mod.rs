//! Removes what is no longer needed of a file: what its client sent, and what was made of it, unless
//! it is served.
//!
//! A workflow of its own, started in the transaction that ends the file or deletes it: the bytes go
//! when and only when that is on record, however often either is tried. It begins when the time is
//! over for which they are kept, and asks the record once more.

use std::sync::Arc;

use media::{
    FileId,
    files::{self, Discard as What, Refused, objects},
    keys,
    uploads::{self, Upload},
    variants,
};
use storage::{Bucket, ObjectKey, StorageError};
use workflows::{Done, Step, StepContext, StepError};

use crate::{errors, queues, tools::Tools};

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
        let mut connection = self.0.connection().await?;
        let upload = uploads::load(&mut connection, upload_id)
            .await
            .map_err(errors::database)?;
        let Some(upload) = upload else {
            return Ok(Done::new(()));
        };
        let file_id = upload.file_id;
        let begun = files::begin_discard(&mut connection, file_id).await;
        drop(connection);
        if let Some(what) = begun.map_err(errors::database)? {
            self.sent(&upload).await?;
            self.made(file_id, what).await?;
            let mut connection = self.0.connection().await?;
            files::end_discard(&mut connection, file_id, what)
                .await
                .map_err(errors::database)?;
        }
        Ok(Done::new(()))
    }
}

impl Discard {
    async fn sent(&self, upload: &Upload) -> Result<(), StepError> {
        // Refused before its parts were joined: they are still there, and cost money.
        if let Some(id) = &upload.s3_upload_id {
            match self.0.store.abort_multipart(&upload.object_key, id).await {
                Ok(()) | Err(StorageError::NoSuchUpload) => {}
                Err(error) => return Err(errors::storage(error)),
            }
        }
        let cleared = self.0.clear_staging(upload.upload_id).await;
        cleared.map_err(errors::storage)
    }

    async fn made(&self, file_id: FileId, what: What) -> Result<(), StepError> {
        let mut connection = self.0.connection().await?;
        let made = objects::list(&mut connection, file_id)
            .await
            .map_err(errors::database)?;
        let recorded = variants::list(&mut connection, file_id)
            .await
            .map_err(errors::database)?;
        drop(connection);
        // The original, and what leads to the variants.
        let needed = |key: &ObjectKey| {
            let mut paths = recorded.iter().map(|variant| &variant.storage_path);
            !keys::is_served(key) || paths.any(|path| path.starts_with(key.as_str()))
        };
        for key in made {
            if what == What::Everything || !needed(&key) {
                self.remove(file_id, &key).await?;
            }
        }
        Ok(())
    }

    async fn remove(&self, file_id: FileId, key: &ObjectKey) -> Result<(), StepError> {
        let mut connection = self.0.connection().await?;
        let ours = objects::give_up(&mut connection, file_id, key)
            .await
            .map_err(errors::database)?;
        drop(connection);
        if !ours {
            return Ok(());
        }
        let store = &self.0.store;
        if key.as_str().ends_with('/') {
            store.delete_below(Bucket::Origin, key).await
        } else {
            store.delete(Bucket::Origin, key).await
        }
        .map_err(errors::storage)?;
        let mut connection = self.0.connection().await?;
        objects::forget(&mut connection, file_id, key)
            .await
            .map_err(errors::database)
    }
}
