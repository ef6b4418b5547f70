//! `DELETE /v1/uploads/{upload_id}`: the client gives up; the bytes go and the file is refused.

use std::time::Duration;

use media::files::{self, Refused};
use media::uploads::{self, Upload, UploadState};
use media::{OwnerId, Rejection, RejectionCode, UploadId, times};
use sqlx::Connection as _;
use storage::Bucket;

use crate::ApiState;
use crate::http::problem::{Code, Problem};

/// Aborts an upload. Saying it twice does no harm; a completed upload stays.
pub async fn run(state: &ApiState, owner_id: &OwnerId, upload_id: UploadId) -> Result<(), Problem> {
    let now = state.now();
    let mut connection = media::pool::borrow(&state.pool).await?;
    let mut transaction = connection.begin().await?;
    let upload = uploads::lock(&mut transaction, owner_id, upload_id).await?;
    let upload = upload.ok_or_else(|| Problem::not_found("upload"))?;
    match upload.state {
        UploadState::Completed(at) => {
            let detail = format!(
                "it was completed at {} and cannot be aborted",
                times::text(at)
            );
            return Err(Problem::new(Code::UploadCompleted, detail).file(upload.file_id.0));
        }
        UploadState::Aborted(_) => {}
        UploadState::Open => {
            uploads::abort(&mut transaction, owner_id, upload_id, now).await?;
            let message = "the client gave the upload up";
            let rejection = Rejection::new(RejectionCode::UploadAborted, message).at("upload");
            files::mark_rejected(&mut transaction, upload.file_id, &rejection).await?;
            // Not needed if the store answers below.
            files::keep(&mut transaction, upload.file_id, Duration::ZERO).await?;
            let refused = Refused { upload_id };
            let discards = &state.discards;
            discards
                .start(&mut transaction, upload_id.0, owner_id.as_str(), &refused)
                .await?;
        }
    }
    transaction.commit().await?;
    drop(connection);
    // After the commit: the session is over even if the store cannot be reached, and a repeat tries again.
    drop_bytes(state, &upload).await
}

async fn drop_bytes(state: &ApiState, upload: &Upload) -> Result<(), Problem> {
    let key = &upload.object_key;
    let dropped = match &upload.s3_upload_id {
        Some(id) => state.store.abort_multipart(key, id).await,
        None => state.store.delete(Bucket::Staging, key).await,
    };
    Ok(dropped?)
}
