//! Films whose pieces did not fit together, and that are made once more in one piece.

use sqlx::PgConnection;

use crate::FileId;

/// Asks for it. Of a file that it was asked for before, nothing changes: it is tried once.
#[tracing::instrument(name = "db.media_files.ask_replan", skip_all, fields(media.file_id = %file_id))]
pub async fn ask_replan(conn: &mut PgConnection, file_id: FileId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE media_files SET replan = 'asked' WHERE file_id = $1 AND replan IS NULL",
        file_id.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether it was asked for and has not begun. From now on it has.
#[tracing::instrument(name = "db.media_files.begin_replan", skip_all, fields(media.file_id = %file_id))]
pub async fn begin_replan(conn: &mut PgConnection, file_id: FileId) -> Result<bool, sqlx::Error> {
    let begun = sqlx::query!(
        "UPDATE media_files SET replan = 'begun'
         WHERE file_id = $1 AND replan = 'asked' AND deleted_at IS NULL",
        file_id.0,
    )
    .execute(conn)
    .await?;
    Ok(begun.rows_affected() > 0)
}

/// Whether the file is to be made in one piece.
#[tracing::instrument(name = "db.media_files.in_one_piece", skip_all, fields(media.file_id = %file_id))]
pub async fn in_one_piece(conn: &mut PgConnection, file_id: FileId) -> Result<bool, sqlx::Error> {
    let replan = sqlx::query_scalar!(
        "SELECT replan FROM media_files WHERE file_id = $1",
        file_id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(replan.flatten().is_some())
}
