//! `Idempotency-Key` on initiate: the same key and request finds the session already made.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{OwnerId, Sha256, UploadId};

/// What a key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remembered {
    /// The same request was answered with this session.
    Same(UploadId),
    /// The key was used for another request.
    Other,
}

/// Looks a key up. `request` is the digest of the request it must have come with.
#[tracing::instrument(name = "db.idempotency_keys.recall", skip_all)]
pub async fn recall(
    conn: &mut PgConnection,
    owner_id: &OwnerId,
    key: &str,
    request: &Sha256,
) -> Result<Option<Remembered>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT request_hash, upload_id FROM idempotency_keys WHERE owner_id = $1 AND key = $2",
        owner_id.as_str(),
        key,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        if row.request_hash == request.as_bytes() {
            Remembered::Same(row.upload_id.into())
        } else {
            Remembered::Other
        }
    }))
}

/// Ties a key to a session. `false` if the key was taken meanwhile; the caller rolls back and recalls.
#[tracing::instrument(name = "db.idempotency_keys.remember", skip_all)]
pub async fn remember(
    conn: &mut PgConnection,
    owner_id: &OwnerId,
    key: &str,
    request: &Sha256,
    upload_id: UploadId,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO idempotency_keys (owner_id, key, request_hash, upload_id, created_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (owner_id, key) DO NOTHING",
        owner_id.as_str(),
        key,
        request.as_bytes().as_slice(),
        upload_id.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
