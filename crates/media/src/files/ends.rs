//! How a file comes to its end, whatever ends it, and how it is sent through again.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::FileStatus;
use crate::FileId;

/// Why a file goes no further that is neither READY nor REJECTED.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Stopped {
    /// Somebody ended its run.
    Cancelled,
    /// A step failed for good. Somebody has to decide what happens.
    Failed,
}

impl Stopped {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// How a file stands. All but `None` are final: nothing more happens to it unless somebody sends it through again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is on its way.
    None,
    /// It is served.
    Ready,
    /// It was refused, for a reason that its owner is told.
    Rejected,
    /// Somebody ended its run.
    Cancelled,
    /// The service failed.
    Failed,
}

impl Outcome {
    pub(super) const fn of(status: FileStatus, stopped: Option<Stopped>) -> Self {
        match (status, stopped) {
            (FileStatus::Ready, _) => Self::Ready,
            (FileStatus::Rejected, _) => Self::Rejected,
            (_, Some(Stopped::Cancelled)) => Self::Cancelled,
            (_, Some(Stopped::Failed)) => Self::Failed,
            (_, None) => Self::None,
        }
    }

    /// The stable string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ready => "ready",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more happens by itself.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::None)
    }
}

/// Says why the file goes no further. One that is READY or REJECTED has its end, and cancelled is the last word: there
/// nothing changes.
#[tracing::instrument(name = "db.media_files.mark_stopped", skip_all, fields(media.file_id = %file_id))]
pub async fn mark_stopped(
    conn: &mut PgConnection,
    file_id: FileId,
    why: Stopped,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE media_files SET stopped = $2, updated_at = now()
         WHERE file_id = $1 AND status NOT IN ('READY', 'REJECTED')
           AND (stopped IS NULL OR stopped = 'failed' AND $2 = 'cancelled')",
        file_id.0,
        why.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A file that cannot be sent through again.
#[derive(Debug, thiserror::Error)]
pub enum NotRevived {
    /// Its owner deleted it.
    #[error("its owner deleted the file")]
    Deleted,
    /// What was uploaded is needed and was removed.
    #[error("the bytes of the file are gone: they were removed at {0}")]
    Gone(DateTime<Utc>),
    /// The database could not be asked.
    #[error("the file could not be changed")]
    Database(#[from] sqlx::Error),
}

/// The file's run lives again: at a step that takes files of status `from`, or where it was. What it had ended with is
/// forgotten, and its bytes are kept again.
#[tracing::instrument(name = "db.media_files.revive", skip_all, fields(media.file_id = %file_id))]
pub async fn revive(
    conn: &mut PgConnection,
    file_id: FileId,
    from: Option<FileStatus>,
) -> Result<(), NotRevived> {
    let file = sqlx::query!(
        r#"SELECT status AS "status: FileStatus", discarding_since, deleted_at
           FROM media_files WHERE file_id = $1 FOR UPDATE"#,
        file_id.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    // A run without a file fails by itself, and must not keep others from being revived with it.
    let Some(file) = file else {
        return Ok(());
    };
    if file.deleted_at.is_some() {
        return Err(NotRevived::Deleted);
    }
    let to = from.unwrap_or(file.status);
    // Of a file that is served the original is kept, and the steps behind its promotion work on that.
    let original_is_enough = file.status == FileStatus::Ready && to != FileStatus::Assembling;
    if let Some(since) = file.discarding_since.filter(|_| !original_is_enough) {
        return Err(NotRevived::Gone(since));
    }
    sqlx::query!(
        "UPDATE media_files
         SET status = $2, stopped = NULL, kept_until = NULL, updated_at = now(),
             warnings = CASE WHEN $2 = 'ASSEMBLING'::file_status THEN '{}' ELSE warnings END,
             rejection_code = NULL, rejection_message = NULL, rejection_limit = NULL,
             rejection_measured = NULL, rejection_step = NULL
         WHERE file_id = $1",
        file_id.0,
        to as FileStatus,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// For its owner the file is gone. Its run must have ended.
#[tracing::instrument(name = "db.media_files.delete", skip_all, fields(media.file_id = %file_id))]
pub async fn delete(conn: &mut PgConnection, file_id: FileId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE media_files
         SET deleted_at = now(), updated_at = now(),
             stopped = CASE WHEN status IN ('READY', 'REJECTED') THEN NULL ELSE 'cancelled' END
         WHERE file_id = $1 AND deleted_at IS NULL",
        file_id.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}
