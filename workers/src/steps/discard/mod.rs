//! Removes what is no longer needed of a file: what its client sent, and what was made of it, unless
//! it is served.
//!
//! A workflow of its own, started in the transaction that ends the file or deletes it: the bytes go
//! when and only when that is on record, however often either is tried. It begins when the time is
//! over for which they are kept, and asks the record once more.

use media::{
    FileId,
    files::{self, Discard as What, Refused, objects},
    keys,
    uploads::{self, Upload},
    variants,
};
use storage::{Bucket, ObjectKey, StorageError};
use workflows::{Attempt, Done, Step, StepError};

use crate::{errors, queues, tools::Context};

pub(crate) struct Discard;

impl Step for Discard {
    const NAME: &'static str = "discard";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Context = Context;
    type Input = Refused;
    type Output = ();

    async fn run(
        cx: &Attempt<Context>,
        Refused { upload_id }: Refused,
    ) -> Result<Done<()>, StepError> {
        let context = &cx.context;
        let mut connection = context.connection().await?;
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
            sent(context, &upload).await?;
            made(context, file_id, what).await?;
            if what == What::Everything {
                copied(context, file_id).await?;
            }
            let mut connection = context.connection().await?;
            files::end_discard(&mut connection, file_id, what)
                .await
                .map_err(errors::database)?;
        }
        Ok(Done::new(()))
    }
}

async fn sent(context: &Context, upload: &Upload) -> Result<(), StepError> {
    // Refused before its parts were joined: they are still there, and cost money.
    if let Some(id) = &upload.s3_upload_id {
        match context.store.abort_multipart(&upload.object_key, id).await {
            Ok(()) | Err(StorageError::NoSuchUpload) => {}
            Err(error) => return Err(errors::storage(error)),
        }
    }
    let cleared = context.clear_staging(upload.upload_id).await;
    cleared.map_err(errors::storage)
}

/// The copy on this machine. Those on others go when they have not been used for a while.
async fn copied(context: &Context, file_id: FileId) -> Result<(), StepError> {
    let mut connection = context.connection().await?;
    let file = files::load(&mut connection, file_id).await;
    drop(connection);
    let facts = file.map_err(errors::database)?.and_then(|file| file.facts);
    let Some(facts) = facts else { return Ok(()) };
    let evicted = context.scratch.evict(&facts.sha256);
    evicted.map_err(|error| errors::machine("cannot take a local copy away", error))
}

async fn made(context: &Context, file_id: FileId, what: What) -> Result<(), StepError> {
    let mut connection = context.connection().await?;
    let objects = objects::list(&mut connection, file_id)
        .await
        .map_err(errors::database)?;
    let recorded = variants::list(&mut connection, file_id)
        .await
        .map_err(errors::database)?;
    let served = objects::served(&mut connection, file_id)
        .await
        .map_err(errors::database)?;
    drop(connection);
    // The original, what leads to the variants, and what they lead to.
    let needed = |key: &ObjectKey| {
        let mut paths = recorded.iter().map(|variant| &variant.storage_path);
        !keys::is_served(key)
            || paths.any(|path| path.starts_with(key.as_str()))
            || served.iter().any(|served| served == key.as_str())
    };
    for key in objects {
        if what == What::Everything || !needed(&key) {
            remove(context, file_id, &key).await?;
        }
    }
    Ok(())
}

async fn remove(context: &Context, file_id: FileId, key: &ObjectKey) -> Result<(), StepError> {
    let mut connection = context.connection().await?;
    let ours = objects::give_up(&mut connection, file_id, key)
        .await
        .map_err(errors::database)?;
    drop(connection);
    if !ours {
        return Ok(());
    }
    let store = &context.store;
    if key.as_str().ends_with('/') {
        store.delete_below(Bucket::Origin, key).await
    } else {
        store.delete(Bucket::Origin, key).await
    }
    .map_err(errors::storage)?;
    let mut connection = context.connection().await?;
    objects::forget(&mut connection, file_id, key)
        .await
        .map_err(errors::database)
}
