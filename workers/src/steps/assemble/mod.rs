//! Joins the parts and freezes the bytes where no client URL can reach them.
//!
//! A multipart upload id dies at completion, so its object is frozen where it lies. A single PUT
//! can be repeated while its URL lives, so the object is copied to a key that no URL was ever signed
//! for. Either is done on condition of the `ETag`s that were confirmed when the client completed the
//! upload: what was sent since is not what the client was told is accepted.

mod decide;

use media::{
    Rejection, RejectionCode,
    files::UploadedFile,
    uploads::{self, Strategy, Upload},
};
use storage::{Bucket, ObjectInfo, ObjectKey, Part, StorageError};
use workflows::{Attempt, Done, NextOnError, Step, StepError};

use crate::{
    errors,
    facts::Assembled,
    queues,
    tools::{Context, Missing},
};

pub(crate) struct Assemble;

impl Step for Assemble {
    const NAME: &'static str = "assemble";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Context = Context;
    type Input = UploadedFile;
    type Output = Assembled;

    async fn run(
        cx: &Attempt<Context>,
        UploadedFile { file_id }: UploadedFile,
    ) -> Result<Done<Assembled>, StepError> {
        let context = &cx.context;
        let file = context.file(file_id).await?;
        let upload = context.upload(file.upload_id).await?;
        let confirmed = confirmed(context, &upload).await?;
        let object = match upload.plan.strategy {
            Strategy::Single => freeze(context, &upload, &confirmed).await?,
            Strategy::Multipart => join(context, &upload, &confirmed).await?,
        };
        if object.size_bytes != upload.plan.size_bytes {
            let message = "the file is not as long as declared";
            let rejection = Rejection::new(RejectionCode::SizeMismatch, message)
                .limit(format!("{} bytes", upload.plan.size_bytes))
                .measured(format!("{} bytes", object.size_bytes));
            return Err(errors::reject(rejection));
        }
        Ok(Done::new(Assembled {
            file_id,
            upload_id: upload.upload_id,
            etag: object.etag,
        }))
    }
}

/// The parts as they were confirmed when the upload was completed.
async fn confirmed(context: &Context, upload: &Upload) -> Result<Vec<Part>, StepError> {
    let mut connection = context.connection().await?;
    let confirmed = uploads::confirmed_parts(&mut connection, upload.upload_id).await;
    confirmed.map_err(errors::database)
}

/// Copies a single PUT. The copy is only ever made of the confirmed bytes, so one that is there
/// already is an earlier attempt's, and as good.
async fn freeze(
    context: &Context,
    upload: &Upload,
    confirmed: &[Part],
) -> Result<ObjectInfo, StepError> {
    let store = &context.store;
    let [Part { etag, .. }] = confirmed else {
        return Err(Missing("confirmed entity tag")).or_fail();
    };
    let frozen = upload.frozen_key();
    let from = (Bucket::Staging, &upload.object_key);
    let to = (Bucket::Staging, &frozen);
    match store
        .copy(from, etag, to, "application/octet-stream", None)
        .await
    {
        Ok(object) => Ok(object),
        Err(StorageError::PreconditionFailed) => {
            made_before(context, &frozen).await?.ok_or_else(sent_again)
        }
        Err(StorageError::NotFound) => {
            let made = made_before(context, &frozen).await?;
            made.ok_or_else(|| errors::absent(&upload.object_key))
        }
        Err(error) => Err(errors::storage(error)),
    }
}

/// Joins the confirmed parts, and no others.
async fn join(
    context: &Context,
    upload: &Upload,
    confirmed: &[Part],
) -> Result<ObjectInfo, StepError> {
    let store = &context.store;
    let key = &upload.frozen_key();
    let s3_upload_id = upload.s3_upload_id.as_deref();
    let s3_upload_id = s3_upload_id
        .ok_or(Missing("multipart upload id"))
        .or_fail()?;
    match store.complete_multipart(key, s3_upload_id, confirmed).await {
        Ok(object) => Ok(object),
        // An earlier attempt joined them and was cut short before it could say so.
        Err(StorageError::NoSuchUpload) => {
            let made = made_before(context, key).await?;
            made.ok_or_else(|| errors::absent(key))
        }
        Err(error @ StorageError::InvalidPart) => match store.list_parts(key, s3_upload_id).await {
            Ok(stored) if decide::is_sent_again(confirmed, &stored) => Err(sent_again()),
            Ok(_) | Err(StorageError::NoSuchUpload) => Err(error).or_retry(),
            Err(error) => Err(errors::storage(error)),
        },
        Err(error) => Err(errors::storage(error)),
    }
}

async fn made_before(context: &Context, key: &ObjectKey) -> Result<Option<ObjectInfo>, StepError> {
    let found = context.store.head(Bucket::Staging, key).await;
    found.map_err(errors::storage)
}

/// The client confirmed other bytes than it has sent since.
fn sent_again() -> StepError {
    let message = "it was sent again after it was completed";
    errors::reject(Rejection::new(RejectionCode::UploadChanged, message))
}
