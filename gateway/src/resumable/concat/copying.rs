//! The parts of the whole: copied by the store, or put together here of what is less than a part.

use std::sync::Arc;

use api::ApiState;
use api::http::problem::Problem;
use bytes::BytesMut;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use media::ObjectKey;
use media::uploads::{Part, Upload};
use storage::{Bucket, ByteRange, ObjectInfo};
use tokio::sync::Semaphore;

use super::pieces::{Piece, pieces};
use crate::resumable::part::{PART, bounded};

/// Parts that the store copies at a time, and those of them that pass through this process.
const COPIES: usize = 8;
const THROUGH_US: usize = 2;

/// The store takes ranges of larger objects only (`API_UploadPartCopy`), in bytes.
const LEAST_COPIED_FROM: u64 = 5 * 1024 * 1024;

/// A partial upload, all of which lies in the store as an object.
pub struct Source {
    pub upload: Upload,
    pub object: ObjectInfo,
}

/// What parts are copied with.
struct Copying {
    state: ApiState,
    sources: Vec<Source>,
    key: ObjectKey,
    s3_upload_id: String,
    through_us: Semaphore,
}

/// Every part of the whole, by number.
pub async fn copied(
    state: &ApiState,
    upload: &Upload,
    s3_upload_id: &str,
    sources: Vec<Source>,
) -> Result<Vec<Part>, Problem> {
    let lengths = sources.iter().map(|source| source.object.size_bytes);
    let lengths: Vec<u64> = lengths.collect();
    if lengths.iter().sum::<u64>() != upload.plan.size_bytes {
        let message = "a partial upload has another size than was confirmed";
        return Err(Problem::internal(message));
    }
    let copying = Arc::new(Copying {
        state: state.clone(),
        sources,
        key: upload.object_key.clone(),
        s3_upload_id: s3_upload_id.to_owned(),
        through_us: Semaphore::new(THROUGH_US),
    });
    let parts = (1..).zip(pieces(&lengths, PART as u64));
    let parts = parts.map(|(number, pieces)| {
        let copying = Arc::clone(&copying);
        Box::pin(async move { copying.part(number, &pieces).await })
    });
    let parts: Vec<_> = parts.collect();
    stream::iter(parts).buffered(COPIES).try_collect().await
}

impl Copying {
    /// Makes one part of its pieces.
    async fn part(&self, number: u16, pieces: &[Piece]) -> Result<Part, Problem> {
        let (store, to) = (&self.state.store, (&self.key, &*self.s3_upload_id));
        if let [Piece { source, range }] = pieces
            && self.sources[*source].object.size_bytes > LEAST_COPIED_FROM
        {
            let Source { upload, object } = &self.sources[*source];
            let from = (&upload.object_key, object.etag.as_str());
            let copy = Box::pin(store.copy_part(to, number, from, range.clone()));
            return bounded(async { Ok(copy.await?) }).await;
        }
        let _room = self.through_us.acquire().await;
        let bytes = bounded(self.read(pieces)).await?.freeze();
        let put = Box::pin(store.put_part(to.0, to.1, number, bytes));
        bounded(async { Ok(put.await?) }).await
    }

    async fn read(&self, pieces: &[Piece]) -> Result<BytesMut, Problem> {
        let mut bytes = BytesMut::with_capacity(PART);
        for Piece { source, range } in pieces {
            let from = &self.sources[*source].upload.object_key;
            let (before, wanted) = (bytes.len() as u64, range.end - range.start);
            let range = ByteRange::Inclusive(range.start, range.end - 1);
            let opened = self.state.store.get(Bucket::Staging, from, Some(range));
            let mut object = Box::pin(opened).await?;
            while let Some(more) = object.body.try_next().await? {
                bytes.extend_from_slice(&more);
            }
            if bytes.len() as u64 - before != wanted {
                let message = "a range of an object has another size than was asked for";
                return Err(Problem::internal(message));
            }
        }
        Ok(bytes)
    }
}
