//! Keys as operators see them. A key itself is stored nowhere.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::OwnerId;

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// The key's id, fit for logs.
    pub api_key_id: Uuid,
    /// Whose files it reaches.
    pub owner_id: String,
    /// What it allows, also scopes that this build does not know.
    pub scopes: Vec<String>,
    /// For people.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When somebody ended it.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Which keys a list shows.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Of this owner; `None` is every owner.
    pub owner_id: Option<&'a OwnerId>,
    /// Those that have ended, too.
    pub ended: bool,
    /// Only those made before this one.
    pub after: Option<Uuid>,
}

/// The newest keys, `limit` at most.
#[tracing::instrument(name = "db.api_keys.list", skip_all)]
pub async fn list(
    conn: &mut PgConnection,
    wanted: Wanted<'_>,
    limit: i64,
) -> Result<Vec<KeyEntry>, sqlx::Error> {
    sqlx::query_as!(
        KeyEntry,
        "SELECT api_key_id, owner_id, scopes, name, created_at, last_used_at, expires_at, revoked_at
         FROM api_keys
         WHERE ($1::text IS NULL OR owner_id = $1) AND ($3::uuid IS NULL OR api_key_id < $3)
           AND ($2 OR revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp()))
         ORDER BY api_key_id DESC LIMIT $4",
        wanted.owner_id.map(OwnerId::as_str),
        wanted.ended,
        wanted.after,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// A key by its id.
#[tracing::instrument(name = "db.api_keys.get", skip_all, fields(media.api_key_id = %api_key_id))]
pub async fn get(
    conn: &mut PgConnection,
    api_key_id: Uuid,
) -> Result<Option<KeyEntry>, sqlx::Error> {
    sqlx::query_as!(
        KeyEntry,
        "SELECT api_key_id, owner_id, scopes, name, created_at, last_used_at, expires_at, revoked_at
         FROM api_keys WHERE api_key_id = $1",
        api_key_id,
    )
    .fetch_optional(conn)
    .await
}
