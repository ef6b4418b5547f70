//! Uploads whose bytes pass through the API, and those that are put together of such: how they are opened, and what their
//! client said.

use sqlx::PgConnection;

use super::Upload;
use crate::{Sha256, UploadId};

/// What a client says of an upload whose bytes pass through the API.
#[derive(Debug, Clone, Copy, Default)]
pub struct New<'a> {
    /// Bytes of the whole file, if it is known.
    pub length_bytes: Option<u64>,
    /// To be given back.
    pub metadata: Option<&'a str>,
    /// What it is in a concatenation, as tus says it.
    pub concat: Option<&'a str>,
    /// SHA-512 of the whole file.
    pub sha512: Option<&'a [u8; 64]>,
}

/// Makes a session that was just opened one whose bytes pass through the API.
#[tracing::instrument(name = "db.resumable_uploads.create", skip_all, fields(media.upload_id = %upload_id))]
pub async fn create(
    conn: &mut PgConnection,
    upload_id: UploadId,
    new: New<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO resumable_uploads (upload_id, length_bytes, metadata, concat, declared_sha512)
         VALUES ($1, $2, $3, $4, $5)",
        upload_id.0,
        new.length_bytes.map(u64::cast_signed),
        new.metadata,
        new.concat,
        new.sha512.map(<[u8; 64]>::as_slice),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The SHA-512 of the whole file, if the client said it of this upload.
#[tracing::instrument(name = "db.resumable_uploads.declared_sha512", skip_all, fields(media.upload_id = %upload_id))]
pub async fn declared_sha512(
    conn: &mut PgConnection,
    upload_id: UploadId,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "SELECT declared_sha512 FROM resumable_uploads WHERE upload_id = $1",
        upload_id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.flatten())
}

/// The id of an upload that is put together of these, in this order: who asks for it twice gets it once.
pub fn joined_id(of: &[UploadId]) -> UploadId {
    let ids: Vec<u8> = of.iter().flat_map(|id| id.0.into_bytes()).collect();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::of(&ids).as_bytes()[..16]);
    UploadId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// Makes a session that was just opened one that was put together. `concat` is how tus says of what.
#[tracing::instrument(name = "db.resumable_uploads.create_joined", skip_all, fields(media.upload_id = %upload.upload_id))]
pub async fn create_joined(
    conn: &mut PgConnection,
    upload: &Upload,
    metadata: Option<&str>,
    concat: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO resumable_uploads (upload_id, length_bytes, offset_bytes, metadata, concat)
         VALUES ($1, $2, $2, $3, $4)",
        upload.upload_id.0,
        upload.plan.size_bytes.cast_signed(),
        metadata,
        concat,
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_same_in_the_same_order_have_the_same_id() {
        let [a, b] = [1, 2].map(|n| UploadId(Uuid::from_u128(n)));
        assert_eq!(joined_id(&[a, b]), joined_id(&[a, b]));
        assert_ne!(joined_id(&[a, b]), joined_id(&[b, a]));
        assert_ne!(joined_id(&[a, b]), joined_id(&[a]));
        assert_eq!(joined_id(&[a]).0.get_version_num(), 8);
    }
}
