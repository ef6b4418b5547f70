//! Moves along the route. Each is one guarded `UPDATE`; a repeat of the same move with the same facts changes nothing
//! and is no error, so a retried step may say it again.

use sqlx::PgConnection;

use super::FileStatus;
use crate::{FileId, RejectedAt, Sha256};

/// A file could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The file is elsewhere on its route, has moved with other facts, or does not exist.
    #[error("file {file_id} may not become {to:?}: it is {found:?}")]
    NotAllowed {
        file_id: FileId,
        /// Where it was to go.
        to: FileStatus,
        /// Where it is; `None` if there is no such file.
        found: Option<FileStatus>,
    },
    /// The database could not be asked.
    #[error("cannot move file {file_id}")]
    Database {
        file_id: FileId,
        /// What went wrong.
        #[source]
        source: sqlx::Error,
    },
}

/// PENDING → ASSEMBLING: the client is done.
#[tracing::instrument(name = "db.media_files.mark_assembling", skip_all, fields(media.file_id = %file_id))]
pub async fn mark_assembling(conn: &mut PgConnection, file_id: FileId) -> Result<(), MoveError> {
    plain_move(conn, file_id, FileStatus::Assembling).await
}

/// VALIDATED → PROCESSING: variants are being made.
#[tracing::instrument(name = "db.media_files.mark_processing", skip_all, fields(media.file_id = %file_id))]
pub async fn mark_processing(conn: &mut PgConnection, file_id: FileId) -> Result<(), MoveError> {
    plain_move(conn, file_id, FileStatus::Processing).await
}

/// A move that brings no facts.
async fn plain_move(
    conn: &mut PgConnection,
    file_id: FileId,
    to: FileStatus,
) -> Result<(), MoveError> {
    let done = sqlx::query!(
        "UPDATE media_files
         SET status = $2, updated_at = CASE WHEN status = $2 THEN updated_at ELSE now() END
         WHERE file_id = $1 AND (status = ANY ($3::file_status[]) OR status = $2)",
        file_id.0,
        to as FileStatus,
        to.comes_from() as &[FileStatus],
    )
    .execute(&mut *conn)
    .await;
    moved(conn, file_id, to, done).await
}

/// ASSEMBLING → VALIDATED, with what was found in the bytes.
#[tracing::instrument(name = "db.media_files.mark_validated", skip_all, fields(media.file_id = %file_id))]
pub async fn mark_validated(
    conn: &mut PgConnection,
    file_id: FileId,
    mime_type: &str,
    sha256: &Sha256,
    size_bytes: u64,
) -> Result<(), MoveError> {
    let to = FileStatus::Validated;
    let done = sqlx::query!(
        "UPDATE media_files
         SET status = $2, mime_type = $4, checksum_sha256 = $5, size_bytes = $6,
             updated_at = CASE WHEN status = $2 THEN updated_at ELSE now() END
         WHERE file_id = $1
           AND (status = ANY ($3::file_status[])
                OR status = $2 AND (mime_type, checksum_sha256, size_bytes) = ($4, $5, $6))",
        file_id.0,
        to as FileStatus,
        to.comes_from() as &[FileStatus],
        mime_type,
        sha256.as_bytes().as_slice(),
        size_bytes.cast_signed(),
    )
    .execute(&mut *conn)
    .await;
    moved(conn, file_id, to, done).await
}

/// PROCESSING → READY, with what is served. Record the variants in the same transaction.
#[tracing::instrument(name = "db.media_files.mark_ready", skip_all, fields(media.file_id = %file_id))]
pub async fn mark_ready(
    conn: &mut PgConnection,
    file_id: FileId,
    storage_path: &str,
) -> Result<(), MoveError> {
    let to = FileStatus::Ready;
    let done = sqlx::query!(
        "UPDATE media_files
         SET status = $2, storage_path = $4,
             updated_at = CASE WHEN status = $2 THEN updated_at ELSE now() END
         WHERE file_id = $1
           AND (status = ANY ($3::file_status[])
                OR status = $2 AND storage_path = $4)",
        file_id.0,
        to as FileStatus,
        to.comes_from() as &[FileStatus],
        storage_path,
    )
    .execute(&mut *conn)
    .await;
    moved(conn, file_id, to, done).await
}

/// Any status but READY → REJECTED. The first refusal stands: a repeat with the same code changes nothing.
#[tracing::instrument(
    name = "db.media_files.mark_rejected", skip_all,
    fields(media.file_id = %file_id, media.rejection = rejected.rejection.code.as_str())
)]
pub async fn mark_rejected(
    conn: &mut PgConnection,
    file_id: FileId,
    rejected: &RejectedAt,
) -> Result<(), MoveError> {
    let to = FileStatus::Rejected;
    let RejectedAt { rejection, step } = rejected;
    let done = sqlx::query!(
        "UPDATE media_files
         SET status = $2,
             rejection_code = $4,
             rejection_message = CASE WHEN status = $2 THEN rejection_message ELSE $5 END,
             rejection_limit = CASE WHEN status = $2 THEN rejection_limit ELSE $6 END,
             rejection_measured = CASE WHEN status = $2 THEN rejection_measured ELSE $7 END,
             rejection_step = CASE WHEN status = $2 THEN rejection_step ELSE $8 END,
             updated_at = CASE WHEN status = $2 THEN updated_at ELSE now() END
         WHERE file_id = $1
           AND (status = ANY ($3::file_status[]) OR status = $2 AND rejection_code = $4)",
        file_id.0,
        to as FileStatus,
        to.comes_from() as &[FileStatus],
        rejection.code.as_str(),
        rejection.message,
        rejection.limit,
        rejection.measured,
        step,
    )
    .execute(&mut *conn)
    .await;
    moved(conn, file_id, to, done).await
}

/// Ok if a row was changed. Otherwise the error says which status the file really has.
async fn moved(
    conn: &mut PgConnection,
    file_id: FileId,
    to: FileStatus,
    done: Result<sqlx::postgres::PgQueryResult, sqlx::Error>,
) -> Result<(), MoveError> {
    let failed = |source| MoveError::Database { file_id, source };
    if done.map_err(failed)?.rows_affected() == 1 {
        return Ok(());
    }
    let found = sqlx::query_scalar!(
        r#"SELECT status AS "status: FileStatus" FROM media_files WHERE file_id = $1"#,
        file_id.0,
    )
    .fetch_optional(conn)
    .await
    .map_err(failed)?;
    Err(MoveError::NotAllowed { file_id, to, found })
}
