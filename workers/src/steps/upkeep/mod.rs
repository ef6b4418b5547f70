//! What time does to uploads and files, seen to by the clock: uploads that were not finished end,
//! what still arrives at addresses of old uploads is swept away, and what nobody can ask for any more
//! is forgotten. Nothing that belongs to an open upload, or to a file on its way, is touched.

use std::time::Duration;

use media::{
    FileId, Rejection, RejectionCode,
    files::{self, Refused},
    request_rates, upload_tokens,
    uploads::{self, Expired, Sweep},
};
use serde::{Deserialize, Serialize};
use sqlx::{Connection, PgConnection};
use storage::StorageError;
use workflows::{Attempt, BoxError, Done, Step, StepError};

use crate::{errors, queues, tools::Context, workflows::discard};

/// Time between two rounds.
pub const EVERY: Duration = Duration::from_mins(1);
/// What one statement takes at most, and one round does of each kind at most. The rest is the next
/// round's.
const BATCH: i64 = 100;
const BATCHES: usize = 20;

/// What a round is given: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {}

pub(crate) struct Upkeep;

impl Step for Upkeep {
    const NAME: &'static str = "upkeep";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Context = Context;
    type Input = Round;
    type Output = ();

    async fn run(cx: &Attempt<Context>, _: Round) -> Result<Done<()>, StepError> {
        let going_on = || !cx.cancelled.is_cancelled();
        let mut connection = cx.context.connection().await?;
        for _ in 0..BATCHES {
            if !going_on() || expire(&mut connection).await? < BATCH.unsigned_abs() {
                break;
            }
        }
        uploads::forget_keys(&mut connection, BATCH * 10)
            .await
            .map_err(errors::database)?;
        upload_tokens::forget(&mut connection, BATCH * 10)
            .await
            .map_err(errors::database)?;
        request_rates::forget(&mut connection)
            .await
            .map_err(errors::database)?;
        files::purge(&mut connection, BATCH)
            .await
            .map_err(errors::database)?;
        drop(connection);
        for _ in 0..BATCHES {
            if !going_on() || sweep(&cx.context).await? < BATCH.unsigned_abs() {
                break;
            }
        }
        Ok(Done::new(()))
    }
}

/// Ends uploads whose time is over. Returns how many.
async fn expire(connection: &mut PgConnection) -> Result<u64, StepError> {
    let mut transaction = connection.begin().await.map_err(errors::database)?;
    let expired = uploads::expire(&mut transaction, BATCH).await;
    let mut expired = expired.map_err(errors::database)?;
    // The rows of their owners are locked at the commit, one after the other as they are ended here: in the same order
    // by everybody.
    expired.sort_by(|a, b| a.owner_id.cmp(&b.owner_id));
    for upload in &expired {
        let refused = refuse(&mut transaction, upload).await;
        refused.map_err(|source| StepError::Retry {
            source,
            after: None,
        })?;
    }
    transaction.commit().await.map_err(errors::database)?;
    Ok(expired.len() as u64)
}

async fn refuse(tx: &mut PgConnection, upload: &Expired) -> Result<(), BoxError> {
    let message = "the upload was not finished in time";
    let rejection = Rejection::new(RejectionCode::UploadExpired, message).at("upload");
    let file_id: FileId = upload.file_id;
    files::mark_rejected(tx, file_id, &rejection).await?;
    // It was never whole, and nobody can finish it.
    files::keep(tx, file_id, Duration::ZERO).await?;
    let refused = Refused {
        upload_id: upload.upload_id,
    };
    discard::starter()
        .start(tx, upload.upload_id.0, &upload.owner_id, &refused)
        .await?;
    Ok(())
}

/// Clears staging of what arrived late. Returns for how many uploads.
async fn sweep(context: &Context) -> Result<u64, StepError> {
    let mut connection = context.connection().await?;
    let due = uploads::sweeps(&mut connection, BATCH).await;
    drop(connection);
    let due = due.map_err(errors::database)?;
    for upload in &due {
        clear(context, upload).await.map_err(errors::storage)?;
        let mut connection = context.connection().await?;
        uploads::swept(&mut connection, upload.upload_id)
            .await
            .map_err(errors::database)?;
    }
    Ok(due.len() as u64)
}

async fn clear(context: &Context, upload: &Sweep) -> Result<(), StorageError> {
    if let Some((key, id)) = &upload.multipart {
        match context.store.abort_multipart(key, id).await {
            Ok(()) | Err(StorageError::NoSuchUpload) => {}
            Err(error) => return Err(error),
        }
    }
    context.clear_staging(upload.upload_id).await
}
