//! What is noted of files that are taken nevertheless.

use sqlx::PgConnection;

use crate::{FileId, Warning};

/// Notes it beside what was noted before. Saying it again changes nothing.
#[tracing::instrument(name = "db.media_files.warn", skip_all, fields(media.file_id = %file_id))]
pub async fn warn(
    conn: &mut PgConnection,
    file_id: FileId,
    warnings: &[Warning],
) -> Result<(), sqlx::Error> {
    if warnings.is_empty() {
        return Ok(());
    }
    let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "UPDATE media_files
         SET warnings = ARRAY(SELECT DISTINCT unnest(warnings || $2::text[]) ORDER BY 1)
         WHERE file_id = $1 AND NOT warnings @> $2",
        file_id.0,
        &warnings,
    )
    .execute(conn)
    .await?;
    Ok(())
}
