//! A part of an upload on its way to the store.

use std::time::Duration;

use api::ApiState;
use api::http::problem::Problem;
use bytes::Bytes;
use futures::future::BoxFuture;
use media::uploads::{Part, RESUMABLE_PART_SIZE_BYTES, Upload, resumable};
use tokio::time::timeout;

use super::held::displaced;

/// Bytes of every part but the last. Every store takes parts of one size; not every one takes others.
pub const PART: usize = 6 * 1024 * 1024;
const _: () = assert!(PART as u64 == RESUMABLE_PART_SIZE_BYTES);

/// How long one step may take: a part or a tail that is sent to the store, or a statement.
pub const STEP: Duration = Duration::from_mins(1);

/// A part on its way to the store.
pub type Sending = BoxFuture<'static, Result<Part, Problem>>;

/// Sends bytes as a part whose number nobody else has.
pub async fn send(
    state: &ApiState,
    upload: &Upload,
    epoch: i64,
    bytes: Bytes,
) -> Result<Part, Problem> {
    let id = upload.s3_upload_id.as_deref();
    let id = id.ok_or_else(|| Problem::internal("an upload in parts without the store's id"))?;
    let mut connection = media::pool::borrow(&state.pool).await?;
    let number = resumable::reserve_part(&mut connection, upload.upload_id, epoch).await?;
    drop(connection);
    let number = number.ok_or_else(displaced)?;
    Ok(state
        .store
        .put_part(&upload.object_key, id, number, bytes)
        .await?)
}

/// No step waits for ever for a store or a database that is silent.
pub async fn bounded<T>(step: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    match timeout(STEP, step).await {
        Ok(done) => done,
        Err(late) => Err(Problem::unavailable(late)),
    }
}
