//! tus's concatenation: uploads that were sent beside each other become one file.
//!
//! A partial upload is an upload like any other that is never completed. The final one is put together by the store: each
//! of its parts that lies within one partial upload is copied there, and only the others pass through this process.
//! Until everything is in place nothing is on record; then one transaction takes the partial uploads away, opens the
//! final one and completes it. Their bytes were counted for the owner before, so nothing is counted anew.

mod copying;
mod pieces;
mod urls;

use api::ApiState;
use api::http::problem::{Code, Problem};
use api::http::trace::TraceParent;
use api::v1::uploads::complete::{self, CompletedUpload};
use api::v1::uploads::declare::{impossible, must_be_taken};
use api::v1::uploads::ensure_open;
use media::files::{self, Refused};
use media::uploads::resumable::{self, Progress};
use media::uploads::{self, Declared, Part, Plan, Upload, UploadState};
use media::{FileId, OwnerId, Rejection, RejectionCode, UploadId, keys};
use poem::Request;
use sqlx::Connection as _;
use storage::{Bucket, ObjectInfo, StorageError};
use uuid::Uuid;

use self::copying::{Source, copied};
pub use self::urls::Concat;
use super::Place;
use super::held::displaced;
use super::part::bounded;
use super::protocol::Protocol;
use super::sink::Sink;

/// What becomes one file.
pub struct Whole {
    pub owner_id: OwnerId,
    /// In the order of their bytes.
    pub partial: Vec<UploadId>,
    pub declared: Declared,
    /// As the client sent it, to be given back.
    pub metadata: Option<String>,
    pub trace: TraceParent,
}

/// Puts partial uploads together. Who asks for the same once more is told of the same file.
pub async fn join(place: &Place, whole: Whole) -> Result<(Upload, CompletedUpload), Problem> {
    let id = resumable::joined_id(&whole.partial);
    if let Some(done) = joined_before(place, &whole.owner_id, id).await? {
        return Ok(done);
    }
    let joined = Box::pin(joined(place, &whole, id)).await;
    let problem = match joined {
        Ok(done) => return Ok(done),
        Err(problem) => problem,
    };
    // Another request for the same may have been quicker, and taken what this one needed.
    match joined_before(place, &whole.owner_id, id).await? {
        Some(done) => Ok(done),
        None => Err(problem),
    }
}

async fn joined_before(
    place: &Place,
    owner_id: &OwnerId,
    id: UploadId,
) -> Result<Option<(Upload, CompletedUpload)>, Problem> {
    let find = async {
        let mut connection = media::pool::borrow(&place.state.pool).await?;
        Ok(uploads::get(&mut connection, owner_id, id).await?)
    };
    let Some(upload) = place.soon(find).await? else {
        return Ok(None);
    };
    let file = place
        .soon(complete::completed(&place.state, &upload))
        .await?;
    Ok(Some((upload, file)))
}

async fn joined(
    place: &Place,
    whole: &Whole,
    id: UploadId,
) -> Result<(Upload, CompletedUpload), Problem> {
    let state = &place.state;
    let mut found = Vec::new();
    for partial in &whole.partial {
        found.push(ready(place, &whole.owner_id, *partial).await?);
    }
    let lengths = found.iter().map(|(_, progress)| progress.offset_bytes);
    let length = lengths.sum();
    let plan = Plan::resumable(length, place.limits.max_size).map_err(impossible)?;
    must_be_taken(state, &whole.declared.mime_type, length)?;
    // One of the requests that have bytes in memory.
    let first = found
        .first()
        .map(|(upload, progress)| (upload, progress.epoch));
    let (first, epoch) = first.ok_or_else(|| Problem::internal("nothing to put together"))?;
    let _hold = place.held.hold(&state.pool, first, epoch)?;
    let mut sources = Vec::new();
    for (upload, progress) in found {
        sources.push(source(state, upload, progress).await?);
    }
    let key = keys::staging(id);
    let s3_upload_id = bounded(async { Ok(state.store.create_multipart(&key).await?) }).await?;
    let now = state.now();
    let upload = Upload {
        upload_id: id,
        file_id: FileId(Uuid::now_v7()),
        owner_id: whole.owner_id.clone(),
        declared: whole.declared.clone(),
        plan,
        object_key: key,
        s3_upload_id: Some(s3_upload_id.clone()),
        created_at: now,
        expires_at: now + state.config.upload_lifetime,
        state: UploadState::Open,
    };
    let done = async {
        let parts = copied(state, &upload, &s3_upload_id, sources).await?;
        bounded(commit(state, &upload, &parts, whole)).await
    };
    match done.await {
        Ok(file) => Ok((upload, file)),
        Err(problem) => {
            // What stays behind is swept by age.
            let dropped = state
                .store
                .abort_multipart(&upload.object_key, &s3_upload_id);
            if let Err(error) = dropped.await {
                tracing::warn!(%error, media.upload_id = %id, "cannot abort a multipart upload");
            }
            Err(problem)
        }
    }
}

/// A partial upload of the owner, all of whose bytes have come.
async fn ready(
    place: &Place,
    owner_id: &OwnerId,
    id: UploadId,
) -> Result<(Upload, Progress), Problem> {
    let wrong = |detail: &str| Problem::parameter("upload-concat", format!("{id} {detail}"));
    let upload = place.soon(place.find(owner_id, id)).await?;
    if let UploadState::Completed(_) = upload.state {
        return Err(wrong("is complete, and no partial upload"));
    }
    let progress = place.take(&upload).await?;
    if !progress.is_partial() {
        return Err(wrong("is no partial upload"));
    }
    if progress.length_bytes != Some(progress.offset_bytes) {
        let length = progress
            .length_bytes
            .map_or("?".to_owned(), |length| length.to_string());
        let detail = format!(
            "{id} is not whole: it stands at {} of {length}",
            progress.offset_bytes
        );
        return Err(Problem::new(Code::PartsMissing, detail));
    }
    Ok((upload, progress))
}

/// A partial upload as an object. What goes wrong because another request has taken it meanwhile is told as that.
async fn source(state: &ApiState, upload: Upload, progress: Progress) -> Result<Source, Problem> {
    let taken = (upload.upload_id, progress.epoch);
    let made = async {
        seal(state, &upload, progress).await?;
        bounded(object(state, &upload)).await
    };
    match made.await {
        Ok(object) => Ok(Source { upload, object }),
        Err(problem) => {
            let mut connection = media::pool::borrow(&state.pool).await?;
            let lost = resumable::lost(&mut connection, &[taken]).await?;
            Err(if lost.is_empty() {
                problem
            } else {
                displaced()
            })
        }
    }
}

/// Makes a part of what lies behind the parts of a partial upload.
async fn seal(state: &ApiState, upload: &Upload, progress: Progress) -> Result<(), Problem> {
    let mut sink = Sink::open(state.clone(), upload.clone(), progress, false).await?;
    if sink.buffered() > 0 {
        let part = sink.send_part().await?.await?;
        sink.stored(part);
    }
    if let Some(confirming) = sink.confirm_parts() {
        sink.confirmed(confirming.await?);
    }
    Ok(())
}

/// The partial upload as an object, which it becomes now unless it was before.
async fn object(state: &ApiState, upload: &Upload) -> Result<ObjectInfo, Problem> {
    let mut connection = media::pool::borrow(&state.pool).await?;
    let parts = uploads::confirmed_parts(&mut connection, upload.upload_id).await?;
    drop(connection);
    let (store, key) = (&state.store, &upload.object_key);
    let id = upload.s3_upload_id.as_deref().unwrap_or_default();
    match store.complete_multipart(key, id, &parts).await {
        Err(StorageError::NoSuchUpload) => {
            let made = store.head(Bucket::Staging, key).await?;
            made.ok_or_else(|| Problem::not_found("upload"))
        }
        other => Ok(other?),
    }
}

/// In one transaction: the partial uploads are gone, and the whole is complete.
async fn commit(
    state: &ApiState,
    upload: &Upload,
    parts: &[Part],
    whole: &Whole,
) -> Result<CompletedUpload, Problem> {
    let mut connection = media::pool::borrow(&state.pool).await?;
    let mut transaction = connection.begin().await?;
    let tx = &mut *transaction;
    let mut partial = whole.partial.clone();
    // Locks are taken in one order.
    partial.sort_unstable();
    for id in partial {
        let locked = uploads::lock(tx, &whole.owner_id, id).await?;
        let locked = locked.ok_or_else(|| Problem::not_found("upload"))?;
        ensure_open(&locked, state.now())?;
        uploads::abort(tx, &whole.owner_id, id, state.now()).await?;
        let message = "its bytes went into another upload";
        let rejection = Rejection::new(RejectionCode::UploadAborted, message).at("upload");
        files::mark_rejected(tx, locked.file_id, &rejection).await?;
        files::delete(tx, locked.file_id).await?;
        files::keep(tx, locked.file_id, std::time::Duration::ZERO).await?;
        let refused = Refused { upload_id: id };
        let owner = whole.owner_id.as_str();
        state.discards.start(tx, id.0, owner, &refused).await?;
    }
    uploads::initiate(tx, upload).await?;
    let concat = Concat::Final(whole.partial.clone()).to_string();
    let metadata = whole.metadata.as_deref();
    resumable::create_joined(tx, upload, metadata, &concat).await?;
    let ended = complete::end(state, tx, upload, parts, &whole.trace).await?;
    transaction.commit().await?;
    Ok(ended.committed(upload))
}

/// What a request says of concatenation, which only tus knows.
pub fn said(
    place: &Place,
    protocol: Protocol,
    request: &Request,
) -> Result<Option<Concat>, Problem> {
    let value = request.header("upload-concat");
    let Some(value) = value.filter(|_| protocol == Protocol::Tus) else {
        return Ok(None);
    };
    let public_url = place.state.config.public_url.as_deref();
    let hosts = ["host", "x-forwarded-host"].map(|name| request.header(name));
    let hosts: Vec<&str> = hosts.into_iter().chain([public_url]).flatten().collect();
    let concat = Concat::read(value, &hosts);
    concat
        .map(Some)
        .map_err(|wrong| Problem::parameter("upload-concat", wrong))
}
