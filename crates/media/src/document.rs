//! What a document is, as its owner may know it once it is ready.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::FileId;

/// What was found when the document was opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// How many pages it has.
    pub pages: u32,
    /// Width of its first page as displayed, in points of 1/72 inch.
    pub width_points: f32,
    /// Height of its first page as displayed, in points of 1/72 inch.
    pub height_points: f32,
}

/// Records the facts of a file; those that were there before are replaced.
#[tracing::instrument(name = "db.media_documents.record", skip_all, fields(media.file_id = %file_id))]
pub async fn record(
    conn: &mut PgConnection,
    file_id: FileId,
    facts: &Facts,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO media_documents (file_id, pages, width_points, height_points) VALUES ($1, $2, $3, $4)
         ON CONFLICT (file_id) DO UPDATE
         SET pages = excluded.pages, width_points = excluded.width_points, height_points = excluded.height_points",
        file_id.0,
        i64::from(facts.pages),
        facts.width_points,
        facts.height_points,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The facts of a file that is a document and was ready once. Whose file it is was asked before.
#[tracing::instrument(name = "db.media_documents.load", skip_all, fields(media.file_id = %file_id))]
pub async fn load(conn: &mut PgConnection, file_id: FileId) -> Result<Option<Facts>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT pages, width_points, height_points FROM media_documents WHERE file_id = $1",
        file_id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Facts {
        pages: u32::try_from(row.pages).unwrap_or(u32::MAX),
        width_points: row.width_points,
        height_points: row.height_points,
    }))
}
