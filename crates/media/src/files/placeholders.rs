//! What is shown of files while their pictures are loading.

use sqlx::PgConnection;

use crate::{FileId, Placeholder};

/// Makes it what is shown of the file, or nothing. Saying it again changes nothing.
#[tracing::instrument(name = "db.media_files.set_placeholder", skip_all, fields(media.file_id = %file_id))]
pub async fn set_placeholder(
    conn: &mut PgConnection,
    file_id: FileId,
    placeholder: Option<&Placeholder>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE media_files SET placeholder_thumbhash = $2, placeholder_color = $3
         WHERE file_id = $1 AND (placeholder_thumbhash, placeholder_color) IS DISTINCT FROM ($2, $3)",
        file_id.0,
        placeholder.map(|placeholder| placeholder.thumbhash.as_slice()),
        placeholder.map(|placeholder| placeholder.color.to_number()),
    )
    .execute(conn)
    .await?;
    Ok(())
}
