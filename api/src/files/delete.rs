//! `DELETE /v1/files/{file_id}`: the owner wants it gone, however it stands. In one transaction: the upload or the run is
//! ended, the file is out of sight, and the removal of every byte is on its way, durably.

use std::time::Duration;

use media::files::{self, Refused};
use media::uploads::{self, Upload, UploadState};
use media::{FileId, OwnerId, Rejection, RejectionCode};
use sqlx::{Connection as _, PgConnection};
use workflows::admin::{AdminError, By, Hints, runs};
use workflows::inspect;

use crate::ApiState;
use crate::problem::Problem;

/// What a step that was just stopped may still take to stop writing.
const STOPPING: Duration = Duration::from_secs(5);

/// Deletes a file of the owner. Saying it twice does no harm.
pub async fn run(
    state: &ApiState,
    owner_id: &OwnerId,
    file_id: FileId,
    actor: &str,
) -> Result<(), Problem> {
    let mut connection = media::pool::borrow(&state.pool).await?;
    let mut transaction = connection.begin().await?;
    let tx = &mut *transaction;
    let upload = uploads::lock_of_file(tx, owner_id, file_id).await?;
    let upload = upload.ok_or_else(|| Problem::not_found("file"))?;
    let file = files::load(tx, file_id).await?;
    let file = file.ok_or_else(|| Problem::not_found("file"))?;
    if file.deleted {
        return Ok(());
    }
    let stopped = if let UploadState::Open = upload.state {
        abort(state, tx, &upload).await?;
        Hints::default()
    } else {
        cancel(state, tx, file_id, actor).await?
    };
    let after = if stopped == Hints::default() {
        Duration::ZERO
    } else {
        STOPPING
    };
    files::delete(tx, file_id).await?;
    uploads::forget_keys_of(tx, upload.upload_id).await?;
    files::keep(tx, file_id, after).await?;
    let refused = Refused {
        upload_id: upload.upload_id,
    };
    let discards = state.discards.clone().delay(after);
    discards
        .start(tx, upload.upload_id.0, owner_id.as_str(), &refused)
        .await?;
    transaction.commit().await?;
    drop(connection);
    stopped.send(&state.pool).await;
    tracing::info!(media.file_id = %file_id, "file deleted");
    Ok(())
}

async fn abort(state: &ApiState, tx: &mut PgConnection, upload: &Upload) -> Result<(), Problem> {
    uploads::abort(tx, &upload.owner_id, upload.upload_id, state.now()).await?;
    let message = "the client deleted the file";
    let rejection = Rejection::new(RejectionCode::UploadAborted, "upload", message);
    Ok(files::mark_rejected(tx, upload.file_id, &rejection).await?)
}

/// Ends the file's run, if it has one that has not ended.
async fn cancel(
    state: &ApiState,
    tx: &mut PgConnection,
    file_id: FileId,
    actor: &str,
) -> Result<Hints, Problem> {
    let Some(run_id) = inspect::live_run(tx, file_id.0).await? else {
        return Ok(Hints::default());
    };
    let by = By::new(actor, "the owner deleted the file").telling(&state.hooks);
    match runs::cancel_in(tx, run_id, by).await {
        // It came to its end just now.
        Err(AdminError::Conflict(_)) => Ok(Hints::default()),
        cancelled => Ok(cancelled?),
    }
}
