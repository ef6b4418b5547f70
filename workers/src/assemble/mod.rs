//! Joins the parts and freezes the bytes where no client URL can reach them.
//!
//! A multipart upload id dies at completion, so its object is frozen where it lies. A single PUT
//! can be repeated while its URL lives, so the object is copied, on condition of its `ETag`, to a
//! key that no URL was ever signed for.

use std::sync::Arc;

use media::{
    RejectionCode, files,
    files::UploadedFile,
    keys,
    storage::{Bucket, ObjectInfo, StorageError},
    uploads::{self, Strategy, Upload},
};
use workflows::{Done, NextOnError, Step, StepContext, StepError};

use crate::{
    errors::{self, Refusal},
    facts::Assembled,
    queues,
    tools::Tools,
};

pub(crate) struct Assemble(pub Arc<Tools>);

impl Step for Assemble {
    const NAME: &'static str = "assemble";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Input = UploadedFile;
    type Output = Assembled;

    async fn run(
        &self,
        _: &StepContext,
        UploadedFile { file_id }: UploadedFile,
    ) -> Result<Done<Assembled>, StepError> {
        let upload = self.upload(file_id).await?;
        let (key, object) = match upload.plan.strategy {
            Strategy::Single => (keys::frozen(upload.upload_id), self.freeze(&upload).await?),
            Strategy::Multipart => (upload.object_key.clone(), self.join(&upload).await?),
        };
        if object.size_bytes != upload.plan.size_bytes {
            return Err(Refusal::new(
                &format_args!("{} bytes", upload.plan.size_bytes),
                &format_args!("{} bytes", object.size_bytes),
            )
            .reject(
                RejectionCode::SizeMismatch,
                "the file is not as long as declared",
            ));
        }
        Ok(Done::new(Assembled {
            file_id,
            upload_id: upload.upload_id,
            key,
            etag: object.etag,
            size_bytes: object.size_bytes,
        }))
    }
}

impl Assemble {
    async fn upload(&self, file_id: media::FileId) -> Result<Upload, StepError> {
        let mut connection = self.0.connection().await?;
        let file = files::load(&mut connection, file_id)
            .await
            .map_err(errors::database)?;
        let file = file.ok_or(Missing("file")).or_fail()?;
        let upload = uploads::load(&mut connection, file.upload_id)
            .await
            .map_err(errors::database)?;
        upload.ok_or(Missing("upload session")).or_fail()
    }

    async fn freeze(&self, upload: &Upload) -> Result<ObjectInfo, StepError> {
        let store = &self.0.store;
        let frozen = keys::frozen(upload.upload_id);
        let sent = store
            .head(Bucket::Staging, &upload.object_key)
            .await
            .map_err(errors::storage)?;
        let Some(sent) = sent else {
            return Err(errors::absent(&upload.object_key));
        };
        let from = (Bucket::Staging, &upload.object_key);
        let to = (Bucket::Staging, &frozen);
        match store
            .copy(from, &sent.etag, to, "application/octet-stream", None)
            .await
        {
            Ok(object) => Ok(object),
            // Sent again in this very moment: the next attempt takes what is there then.
            Err(error @ StorageError::PreconditionFailed) => Err(StepError::Retry {
                source: Box::new(error),
                after: None,
            }),
            Err(error) => Err(errors::storage(error)),
        }
    }

    async fn join(&self, upload: &Upload) -> Result<ObjectInfo, StepError> {
        let store = &self.0.store;
        let key = &upload.object_key;
        let s3_upload_id = upload.s3_upload_id.as_deref();
        let s3_upload_id = s3_upload_id
            .ok_or(Missing("multipart upload id"))
            .or_fail()?;
        let joined = match store.list_parts(key, s3_upload_id).await {
            Ok(parts) => store.complete_multipart(key, s3_upload_id, &parts).await,
            Err(error) => Err(error),
        };
        match joined {
            Ok(object) => Ok(object),
            // An earlier attempt joined them and was cut short before it could say so.
            Err(StorageError::NoSuchUpload) => {
                let object = store
                    .head(Bucket::Staging, key)
                    .await
                    .map_err(errors::storage)?;
                object.ok_or_else(|| errors::absent(key))
            }
            // A part was sent again between the two calls.
            Err(error @ StorageError::InvalidPart) => Err(StepError::Retry {
                source: Box::new(error),
                after: None,
            }),
            Err(error) => Err(errors::storage(error)),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the {0} of this run does not exist")]
struct Missing(&'static str);
