//! A part of an upload on its way to the store.

use std::ops::Range;
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

/// Numbers of parts that a request reserves at once. What it does not use of them is lost.
const RESERVED_AT_ONCE: u16 = 4;

/// Numbers for the parts of one request, which nobody else has or had.
#[derive(Debug, Default)]
pub struct Numbers(Range<u16>);

impl Numbers {
    /// The number of the next part. Some are reserved at once, but no more than `left` bytes need.
    pub async fn next(
        &mut self,
        state: &ApiState,
        upload: &Upload,
        epoch: i64,
        left: Option<u64>,
    ) -> Result<u16, Problem> {
        if self.0.is_empty() {
            let parts = left.map_or(u64::MAX, |left| left.div_ceil(PART as u64).max(1));
            let count = u16::try_from(parts).unwrap_or(u16::MAX);
            let count = count.min(RESERVED_AT_ONCE);
            let mut connection = media::pool::borrow(&state.pool).await?;
            let id = upload.upload_id;
            let reserved = resumable::reserve_parts(&mut connection, id, epoch, count).await?;
            self.0 = reserved.ok_or_else(displaced)?;
        }
        self.0.next().ok_or_else(displaced)
    }
}

/// Sends bytes as a part.
pub fn send(state: &ApiState, upload: &Upload, number: u16, bytes: Bytes) -> Sending {
    let (store, key) = (state.store.clone(), upload.object_key.clone());
    let id = upload.s3_upload_id.clone();
    Box::pin(bounded(async move {
        let id =
            id.ok_or_else(|| Problem::internal("an upload in parts without the store's id"))?;
        Ok(store.put_part(&key, &id, number, bytes).await?)
    }))
}

/// No step waits for ever for a store or a database that is silent.
pub async fn bounded<T>(step: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    match timeout(STEP, step).await {
        Ok(done) => done,
        Err(late) => Err(Problem::unavailable(late)),
    }
}
