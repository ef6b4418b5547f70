//! What is removed of files, and when. The row says it, and whoever removes asks it first: so a file that was sent
//! through again in time keeps its bytes, whatever was planned before.

use std::time::Duration;

use settings::Reader;
use sqlx::PgConnection;

use super::FileStatus;
use crate::FileId;

/// For how long the bytes of a file are kept that was refused or cancelled, in case that this was a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept(pub Duration);

impl Default for Kept {
    /// Refused originals are kept for a day.
    fn default() -> Self {
        Self(Duration::from_hours(24))
    }
}

impl Kept {
    /// Reads `MEDIAMILL_KEEP_REFUSED_SECONDS`, in seconds.
    pub fn from_env(reader: &mut Reader) -> Self {
        const NAME: &str = "MEDIAMILL_KEEP_REFUSED_SECONDS";
        let seconds = reader.number_or(NAME, 0..=365 * 24 * 3600, Self::default().0.as_secs());
        Self(Duration::from_secs(seconds))
    }
}

/// What is to be removed of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discard {
    /// What the client sent, and what is not served of what was made: the file is READY.
    Unserved,
    /// All that there is.
    Everything,
}

/// From `after` now on, what is no longer needed of the file may be removed. An earlier time stands.
#[tracing::instrument(name = "db.media_files.keep", skip_all, fields(media.file_id = %file_id))]
pub async fn keep(
    conn: &mut PgConnection,
    file_id: FileId,
    after: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE media_files
         SET kept_until = least(kept_until, now() + make_interval(secs => $2)), discarded_at = NULL
         WHERE file_id = $1",
        file_id.0,
        after.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Asks whether anything is to be removed of the file now. From then on it cannot be sent through again. The release
/// before kept nothing of what it refused: there `kept_until` is null.
#[tracing::instrument(name = "db.media_files.begin_discard", skip_all, fields(media.file_id = %file_id))]
pub async fn begin_discard(
    conn: &mut PgConnection,
    file_id: FileId,
) -> Result<Option<Discard>, sqlx::Error> {
    let file = sqlx::query!(
        r#"UPDATE media_files SET discarding_since = coalesce(discarding_since, now())
           WHERE file_id = $1
             AND (kept_until <= now() AND (status IN ('READY', 'REJECTED') OR stopped = 'cancelled')
                  OR kept_until IS NULL AND status = 'REJECTED')
           RETURNING status AS "status: FileStatus", deleted_at IS NOT NULL AS "deleted!""#,
        file_id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(file.map(|file| {
        if file.status == FileStatus::Ready && !file.deleted {
            Discard::Unserved
        } else {
            Discard::Everything
        }
    }))
}

/// What was to be removed is gone.
#[tracing::instrument(name = "db.media_files.end_discard", skip_all, fields(media.file_id = %file_id))]
pub async fn end_discard(
    conn: &mut PgConnection,
    file_id: FileId,
    what: Discard,
) -> Result<(), sqlx::Error> {
    // Whoever deleted the file meanwhile wants more to be removed.
    sqlx::query!(
        "UPDATE media_files SET discarded_at = now()
         WHERE file_id = $1 AND coalesce(kept_until <= now(), status = 'REJECTED')
           AND ($2 OR deleted_at IS NULL)",
        file_id.0,
        what == Discard::Everything,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets files that their owners deleted, of which no byte is left and none can come any more; `limit` at most.
/// Returns how many.
#[tracing::instrument(name = "db.media_files.purge", skip_all)]
pub async fn purge(conn: &mut PgConnection, limit: i64) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "WITH gone AS (
            DELETE FROM media_files WHERE file_id IN (
                SELECT file.file_id FROM media_files AS file JOIN uploads AS upload USING (upload_id)
                WHERE file.deleted_at IS NOT NULL AND file.discarded_at IS NOT NULL AND upload.sweeps = 2
                  AND NOT EXISTS (SELECT FROM file_objects AS made WHERE made.file_id = file.file_id)
                LIMIT $1)
            RETURNING upload_id)
         SELECT upload_id FROM gone",
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    let uploads: Vec<_> = done.into_iter().map(|row| row.upload_id).collect();
    let done = sqlx::query!("DELETE FROM uploads WHERE upload_id = ANY($1)", &uploads)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
