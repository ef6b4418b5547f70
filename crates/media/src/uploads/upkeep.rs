//! What time does to sessions: they expire, what still arrives at their addresses is swept away, and idempotency keys
//! are forgotten. Nothing of an open session is touched.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::ObjectKey;
use crate::{FileId, UploadId};

/// A session that was not finished in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    pub upload_id: UploadId,
    /// The file it would have become.
    pub file_id: FileId,
    /// Whose it is.
    pub owner_id: String,
}

/// Ends open sessions whose time is over, the oldest first, `limit` at most. Those that somebody is just completing or
/// aborting are left to them.
#[tracing::instrument(name = "db.uploads.expire", skip_all)]
pub async fn expire(conn: &mut PgConnection, limit: i64) -> Result<Vec<Expired>, sqlx::Error> {
    let rows = sqlx::query!(
        "UPDATE uploads SET aborted_at = now()
         WHERE upload_id IN (
             SELECT upload_id FROM uploads
             WHERE completed_at IS NULL AND aborted_at IS NULL AND expires_at <= now()
             ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
         RETURNING upload_id, file_id, owner_id",
        limit,
    )
    .fetch_all(conn)
    .await?;
    let expired = rows.into_iter().map(|row| Expired {
        upload_id: row.upload_id.into(),
        file_id: row.file_id.into(),
        owner_id: row.owner_id,
    });
    Ok(expired.collect())
}

/// A session at whose addresses something may have arrived that nobody needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    pub upload_id: UploadId,
    /// The store's id of a multipart upload, and its key.
    pub multipart: Option<(ObjectKey, String)>,
}

/// Sessions that have ended, whose addresses have expired, and whose file needs nothing in staging any more; `limit`
/// at most. Each comes twice: then, and an hour later, when no request that had begun in time goes on.
#[tracing::instrument(name = "db.uploads.sweeps", skip_all)]
pub async fn sweeps(conn: &mut PgConnection, limit: i64) -> Result<Vec<Sweep>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT upload.upload_id, upload.object_key, upload.s3_upload_id
         FROM uploads AS upload JOIN media_files AS file USING (upload_id)
         WHERE upload.sweeps < 2 AND upload.expires_at <= now() - upload.sweeps * interval '1 hour'
           AND (upload.completed_at IS NOT NULL OR upload.aborted_at IS NOT NULL)
           AND (file.status = 'READY' OR file.discarding_since IS NOT NULL)
         ORDER BY upload.expires_at LIMIT $1",
        limit,
    )
    .fetch_all(conn)
    .await?;
    let sweep = |id: Uuid, key: String, s3_upload_id: Option<String>| {
        let key = ObjectKey::new(key).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Sweep {
            upload_id: id.into(),
            multipart: s3_upload_id.map(|s3_upload_id| (key, s3_upload_id)),
        })
    };
    let rows = rows.into_iter();
    rows.map(|row| sweep(row.upload_id, row.object_key, row.s3_upload_id))
        .collect()
}

/// The staging bucket was cleared of a session.
#[tracing::instrument(name = "db.uploads.swept", skip_all, fields(media.upload_id = %upload_id))]
pub async fn swept(conn: &mut PgConnection, upload_id: UploadId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE uploads SET sweeps = CASE WHEN expires_at <= now() - interval '1 hour' THEN 2 ELSE 1 END
         WHERE upload_id = $1",
        upload_id.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets idempotency keys that are a week old and whose session is over, `limit` at most. Returns how many.
#[tracing::instrument(name = "db.idempotency_keys.forget", skip_all)]
pub async fn forget_keys(conn: &mut PgConnection, limit: i64) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM idempotency_keys WHERE (owner_id, key) IN (
             SELECT remembered.owner_id, remembered.key
             FROM idempotency_keys AS remembered JOIN uploads AS upload USING (upload_id)
             WHERE remembered.created_at < now() - interval '7 days' AND upload.expires_at < now()
             ORDER BY remembered.created_at LIMIT $1)",
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
