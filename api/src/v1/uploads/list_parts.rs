//! `GET /v1/uploads/{upload_id}/parts`: what has arrived, for resuming.

use media::uploads::{self, Upload};
use media::{OwnerId, UploadId};
use poem_openapi::Object;
use storage::{Bucket, ObjectInfo, Part, StorageError};

use super::view;
use crate::ApiState;
use crate::contract::Count;
use crate::http::problem::Problem;

/// What has arrived of an upload.
#[derive(Debug, Object)]
pub struct UploadedParts {
    /// Bytes of every part but the last, which has the rest.
    pub part_size_bytes: Count,
    /// How many parts there are to be.
    #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
    pub part_count: u16,
    /// The parts in storage, by number.
    pub parts: Vec<UploadedPart>,
}

/// A part in storage.
#[derive(Debug, Object)]
pub struct UploadedPart {
    /// Which part, from 1.
    #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
    pub part_number: u16,
    /// Its entity tag, in quotes, as the store gave it.
    pub etag: String,
    /// Size in bytes.
    pub size_bytes: Count,
}

/// Lists what the store holds of an open upload.
pub async fn run(
    state: &ApiState,
    owner_id: &OwnerId,
    upload_id: UploadId,
) -> Result<UploadedParts, Problem> {
    let mut connection = media::pool::borrow(&state.pool).await?;
    let upload = uploads::get(&mut connection, owner_id, upload_id).await?;
    drop(connection);
    let upload = upload.ok_or_else(|| Problem::not_found("upload"))?;
    view::ensure_open(&upload, state.now())?;
    let parts = stored(state, &upload).await?;
    let parts = parts.into_iter().map(|part| UploadedPart {
        part_number: part.number,
        etag: part.etag,
        size_bytes: part.size_bytes.into(),
    });
    Ok(UploadedParts {
        part_size_bytes: upload.plan.part_size_bytes.into(),
        part_count: upload.plan.part_count,
        parts: parts.collect(),
    })
}

/// What the store holds. A single PUT counts as part 1.
pub async fn stored(state: &ApiState, upload: &Upload) -> Result<Vec<Part>, Problem> {
    let key = &upload.object_key;
    if let Some(id) = &upload.s3_upload_id {
        return match state.store.list_parts(key, id).await {
            // Completed or aborted by another request of the same client: the row will say so.
            Err(StorageError::NoSuchUpload) => Ok(Vec::new()),
            other => Ok(other?),
        };
    }
    let found = state.store.head(Bucket::Staging, key).await?;
    let part = |object: ObjectInfo| Part {
        number: 1,
        etag: object.etag,
        size_bytes: object.size_bytes,
    };
    Ok(found.map(part).into_iter().collect())
}
