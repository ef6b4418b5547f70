//! `POST /v1/uploads/{upload_id}/complete`: the client is done; the file enters its workflow.
//!
//! The store is asked what it holds before the transaction, so that no lock waits for it. The transaction locks the
//! session, ends it, moves the file to ASSEMBLING and starts the run: all of it or nothing.

use std::collections::HashSet;

use media::files::{self, UploadedFile};
use media::uploads::{self, Incomplete, Upload, UploadState};
use media::{OwnerId, Sha256, UploadId};
use poem_openapi::Object;
use poem_openapi::types::ToJSON as _;
use sqlx::{Connection as _, PgConnection};
use storage::Part;
use uuid::Uuid;

use super::{declare, list_parts, view};
use crate::ApiState;
use crate::http::problem::{Code, Problem};
use crate::http::trace::TraceParent;
use crate::v1::files::Status;

/// What the client believes to have sent. May be left out: the store is asked in any case.
#[derive(Debug, Default, Object)]
#[oai(deny_unknown_fields)]
pub struct CompleteUpload {
    /// The parts, in any order.
    #[oai(validator(max_items = 10000), default)]
    pub parts: Vec<SentPart>,
    /// SHA-256 of the whole file, in hexadecimal, if the client knows it now and did not when it opened the upload. A file
    /// of other bytes is REJECTED with `checksum_mismatch`.
    #[oai(validator(pattern = "^[0-9a-fA-F]{64}$"), nullable)]
    pub sha256: Option<String>,
}

/// A part as the client sent it.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct SentPart {
    /// Which part, from 1.
    #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
    pub part_number: u16,
    /// The entity tag the store answered with; quotes may be left out.
    #[oai(validator(min_length = 1, max_length = 256))]
    pub etag: String,
}

/// The upload is complete, and its file is being processed or was.
#[derive(Debug, Object)]
pub struct CompletedUpload {
    /// The file: ask for it to see how far it is.
    pub file_id: Uuid,
    /// The upload, now over.
    pub upload_id: Uuid,
    /// Where the file is now.
    pub status: Status,
}

impl CompletedUpload {
    /// The answer as JSON, as it is kept for repeated requests.
    pub fn to_text(&self) -> String {
        self.to_json_string()
    }
}

/// Completes an upload. Saying it twice is answered twice, and starts one run.
pub async fn run(
    state: &ApiState,
    owner_id: &OwnerId,
    upload_id: UploadId,
    body: Option<CompleteUpload>,
    trace: &TraceParent,
) -> Result<CompletedUpload, Problem> {
    let mut connection = media::pool::borrow(&state.pool).await?;
    let upload = uploads::get(&mut connection, owner_id, upload_id).await?;
    drop(connection);
    let upload = upload.ok_or_else(|| Problem::not_found("upload"))?;
    if let UploadState::Completed(_) = upload.state {
        return completed(state, &upload).await;
    }
    view::ensure_open(&upload, state.now())?;
    let CompleteUpload { parts, sha256 } = body.unwrap_or_default();
    ensure_planned(&upload, &parts)?;
    let sha256 = declare::sha256(sha256)?;
    let stored = list_parts::stored(state, &upload).await?;
    let checked = uploads::check(&upload.plan, &stored, &claimed(parts));
    match checked {
        Ok(()) => commit(state, &upload, (&stored, sha256), trace).await,
        Err(incomplete) => refuse(state, &upload, incomplete).await,
    }
}

async fn commit(
    state: &ApiState,
    upload: &Upload,
    (stored, sha256): (&[Part], Option<Sha256>),
    trace: &TraceParent,
) -> Result<CompletedUpload, Problem> {
    let mut connection = media::pool::borrow(&state.pool).await?;
    let mut transaction = connection.begin().await?;
    let locked = uploads::lock(&mut transaction, &upload.owner_id, upload.upload_id).await?;
    let locked = locked.ok_or_else(|| Problem::not_found("upload"))?;
    if let UploadState::Completed(_) = locked.state {
        transaction.rollback().await?;
        drop(connection);
        return completed(state, &locked).await;
    }
    if let Some(sha256) = sha256
        && !uploads::declare_sha256(&mut transaction, upload.upload_id, &sha256).await?
    {
        let detail = "is not the one that was declared when the upload was opened";
        return Err(Problem::field("/sha256", detail));
    }
    let ended = end(state, &mut transaction, &locked, stored, trace).await?;
    transaction.commit().await?;
    Ok(ended.committed(&locked))
}

/// An upload that is over as soon as the transaction is committed.
#[derive(Debug)]
pub struct Ended(Uuid);

/// Ends an upload that the transaction has locked, moves its file to ASSEMBLING and starts the run. `stored` are the
/// parts that are not on record yet.
pub async fn end(
    state: &ApiState,
    transaction: &mut PgConnection,
    upload: &Upload,
    stored: &[Part],
    trace: &TraceParent,
) -> Result<Ended, Problem> {
    let (owner_id, upload_id, now) = (&upload.owner_id, upload.upload_id, state.now());
    view::ensure_open(upload, now)?;
    if !uploads::complete(transaction, owner_id, upload_id, stored, now).await? {
        return Err(Problem::internal(
            "a locked open upload could not be completed",
        ));
    }
    files::mark_assembling(transaction, upload.file_id).await?;
    let input = UploadedFile {
        file_id: upload.file_id,
    };
    let starter = state.starter.clone().trace_parent(Some(trace.to_string()));
    let owner = owner_id.as_str();
    let run_id = starter
        .start(transaction, upload.file_id.0, owner, &input)
        .await?;
    Ok(Ended(run_id.0))
}

impl Ended {
    /// The transaction is committed: counts, tells the log, and gives the answer.
    pub fn committed(self, upload: &Upload) -> CompletedUpload {
        metrics::counter!("mediamill_uploads_completed_total").increment(1);
        metrics::counter!("mediamill_upload_bytes_total").increment(upload.plan.size_bytes);
        tracing::info!(
            media.upload_id = %upload.upload_id,
            media.file_id = %upload.file_id,
            workflow.run_id = %self.0,
            media.size_bytes = upload.plan.size_bytes,
            "upload completed"
        );
        CompletedUpload {
            file_id: upload.file_id.0,
            upload_id: upload.upload_id.0,
            status: Status::Assembling,
        }
    }
}

/// A request that ended the upload meanwhile has taken the parts away: then that is the answer.
async fn refuse(
    state: &ApiState,
    upload: &Upload,
    incomplete: Incomplete,
) -> Result<CompletedUpload, Problem> {
    let mut connection = media::pool::borrow(&state.pool).await?;
    let again = uploads::get(&mut connection, &upload.owner_id, upload.upload_id).await?;
    drop(connection);
    let again = again.ok_or_else(|| Problem::not_found("upload"))?;
    if let UploadState::Completed(_) = again.state {
        return completed(state, &again).await;
    }
    view::ensure_open(&again, state.now())?;
    let detail = incomplete.to_string();
    Err(match incomplete {
        Incomplete::PartsMissing { part_numbers } => {
            Problem::new(Code::PartsMissing, detail).parts(part_numbers)
        }
        Incomplete::SizeMismatch {
            part_numbers,
            declared_bytes,
            stored_bytes,
        } => Problem::new(Code::SizeMismatch, detail)
            .parts(part_numbers)
            .measured(
                format!("{declared_bytes} bytes"),
                format!("{stored_bytes} bytes"),
            ),
        Incomplete::EtagMismatch { part_numbers } => {
            Problem::new(Code::EtagMismatch, detail).parts(part_numbers)
        }
    })
}

/// Refuses parts that the upload does not have, or that are listed twice.
fn ensure_planned(upload: &Upload, parts: &[SentPart]) -> Result<(), Problem> {
    let mut seen = HashSet::new();
    for (index, part) in parts.iter().enumerate() {
        let detail = match upload.plan.part_count {
            _ if !seen.insert(part.part_number) => "is there twice".to_owned(),
            count if part.part_number <= count => continue,
            1 => "must be 1: the file is sent in one piece".to_owned(),
            count => format!("must be 1 to {count}"),
        };
        let pointer = format!("/parts/{index}/part_number");
        return Err(Problem::field(pointer, detail).parts(vec![part.part_number]));
    }
    Ok(())
}

fn claimed(parts: Vec<SentPart>) -> Vec<(u16, String)> {
    let parts = parts.into_iter();
    parts.map(|part| (part.part_number, part.etag)).collect()
}

/// What became of an upload that was completed before.
pub async fn completed(state: &ApiState, upload: &Upload) -> Result<CompletedUpload, Problem> {
    let mut connection = media::pool::borrow(&state.pool).await?;
    let file = files::get(&mut connection, &upload.owner_id, upload.file_id).await?;
    let file = file.ok_or_else(|| Problem::not_found("file"))?;
    Ok(CompletedUpload {
        file_id: upload.file_id.0,
        upload_id: upload.upload_id.0,
        status: file.status.into(),
    })
}
