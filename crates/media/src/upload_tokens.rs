//! Upload tokens: the right to open some uploads for a while, to be given to a browser. Only a token's hash is stored; the
//! token itself is shown once, when it is made. It ends by itself, when it is revoked, and with the key that made it.

use std::fmt;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{OwnerId, Sha256, UploadId, api_keys};

/// What every token starts with, so that people and secret scanners recognise one.
const PREFIX: &str = "mmu_";

/// A token in the clear: `mmu_` and 64 hex digits. Not printable by accident.
#[derive(Clone)]
pub struct UploadToken(String);

impl UploadToken {
    /// A new token.
    pub fn generate() -> Self {
        Self(api_keys::secret(PREFIX))
    }

    /// A token somebody presents. Any text is taken; only a known one is found.
    pub fn presented(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token itself, to show once to whoever asked for it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What of it is stored.
    pub fn hash(&self) -> Sha256 {
        Sha256::of(self.0.as_bytes())
    }
}

impl fmt::Debug for UploadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UploadToken([redacted])")
    }
}

/// What a token allows, and how much of it is used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Id of the token, fit for logs.
    pub token_id: Uuid,
    /// Whose files the uploads become.
    pub owner_id: OwnerId,
    /// The key that made it; `None` if it was made without one.
    pub api_key_id: Option<Uuid>,
    /// Uploads that may be opened with it.
    pub max_files: u32,
    /// Bytes of these together, as declared.
    pub max_bytes: u64,
    /// Media types that may be declared, such as `image/*`; none is any.
    pub content_types: Vec<String>,
    /// Uploads that were opened with it. What is given up does not come back.
    pub files: u32,
    /// Bytes of these.
    pub bytes: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// When somebody ended it.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Grant {
    /// Whether one more upload of so many bytes can be opened with it.
    pub fn has_room(&self, bytes: u64) -> bool {
        self.files < self.max_files && self.bytes.saturating_add(bytes) <= self.max_bytes
    }

    /// Whether a media type may be declared.
    pub fn allows_type(&self, declared: &str) -> bool {
        let essence = declared.split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        let fits = |allowed: &String| match allowed.to_ascii_lowercase().strip_suffix('*') {
            Some(kind) => essence.starts_with(kind),
            None => essence.eq_ignore_ascii_case(allowed),
        };
        self.content_types.is_empty() || self.content_types.iter().any(fits)
    }
}

struct Row {
    token_id: Uuid,
    owner_id: String,
    api_key_id: Option<Uuid>,
    max_files: i32,
    max_bytes: i64,
    content_types: Vec<String>,
    files: i32,
    bytes: i64,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Grant {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let owner_id = OwnerId::new(row.owner_id);
        Ok(Self {
            token_id: row.token_id,
            owner_id: owner_id.map_err(|error| sqlx::Error::Decode(error.into()))?,
            api_key_id: row.api_key_id,
            // The table holds all of them to 0 at least.
            max_files: row.max_files.unsigned_abs(),
            max_bytes: row.max_bytes.unsigned_abs(),
            content_types: row.content_types,
            files: row.files.unsigned_abs(),
            bytes: row.bytes.unsigned_abs(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        })
    }
}

/// Stores a token that nothing was opened with yet.
#[tracing::instrument(name = "db.upload_tokens.create", skip_all, fields(media.token_id = %grant.token_id))]
pub async fn create(
    conn: &mut PgConnection,
    token: &UploadToken,
    grant: &Grant,
) -> Result<(), sqlx::Error> {
    let hash = token.hash();
    sqlx::query!(
        "INSERT INTO upload_tokens (token_id, token_hash, owner_id, api_key_id, max_files, max_bytes, content_types,
             created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        grant.token_id,
        hash.as_bytes().as_slice(),
        grant.owner_id.as_str(),
        grant.api_key_id,
        grant.max_files.cast_signed(),
        grant.max_bytes.cast_signed(),
        &grant.content_types,
        grant.created_at,
        grant.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a token allows, unless it is unknown or has ended, or the key that made it has.
#[tracing::instrument(name = "db.upload_tokens.find", skip_all)]
pub async fn find(
    conn: &mut PgConnection,
    token: &UploadToken,
) -> Result<Option<Grant>, sqlx::Error> {
    let hash = token.hash();
    sqlx::query_as!(
        Row,
        "SELECT token_id, owner_id, api_key_id, max_files, max_bytes, content_types, files, bytes,
                created_at, expires_at, revoked_at
         FROM upload_tokens
         WHERE token_hash = $1 AND revoked_at IS NULL AND expires_at > clock_timestamp()
           AND (api_key_id IS NULL OR EXISTS (
               SELECT FROM api_keys AS key
               WHERE key.api_key_id = upload_tokens.api_key_id AND key.revoked_at IS NULL
                 AND (key.expires_at IS NULL OR key.expires_at > clock_timestamp())))",
        hash.as_bytes().as_slice(),
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// Uses one upload of a token up, which is opened in the same transaction. `false` if the token has none left of this
/// size.
#[tracing::instrument(name = "db.upload_tokens.spend", skip_all, fields(media.token_id = %token_id))]
pub async fn spend(
    tx: &mut PgConnection,
    token_id: Uuid,
    upload_id: UploadId,
    bytes: u64,
) -> Result<bool, sqlx::Error> {
    let spent = sqlx::query!(
        "UPDATE upload_tokens SET files = files + 1, bytes = bytes + $2
         WHERE token_id = $1 AND files < max_files AND bytes + $2 <= max_bytes AND revoked_at IS NULL",
        token_id,
        bytes.cast_signed(),
    )
    .execute(&mut *tx)
    .await?;
    if spent.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "UPDATE uploads SET token_id = $2 WHERE upload_id = $1",
        upload_id.0,
        token_id,
    )
    .execute(tx)
    .await?;
    Ok(true)
}

/// Whether an upload was opened with this token.
#[tracing::instrument(name = "db.upload_tokens.opened", skip_all, fields(media.upload_id = %upload_id))]
pub async fn opened(
    conn: &mut PgConnection,
    token_id: Uuid,
    upload_id: UploadId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM uploads WHERE upload_id = $1 AND token_id = $2) AS "yes!""#,
        upload_id.0,
        token_id,
    )
    .fetch_one(conn)
    .await
}

/// An owner's tokens made before `after`, the newest first, `limit` at most.
#[tracing::instrument(name = "db.upload_tokens.list", skip_all, fields(media.owner_id = %owner_id))]
pub async fn list(
    conn: &mut PgConnection,
    owner_id: &OwnerId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Grant>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT token_id, owner_id, api_key_id, max_files, max_bytes, content_types, files, bytes,
                created_at, expires_at, revoked_at
         FROM upload_tokens WHERE owner_id = $1 AND ($2::uuid IS NULL OR token_id < $2)
         ORDER BY token_id DESC LIMIT $3",
        owner_id.as_str(),
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Ends an owner's token for good. `false` if there is none; saying it again does no harm.
#[tracing::instrument(name = "db.upload_tokens.revoke", skip_all, fields(media.token_id = %token_id))]
pub async fn revoke(
    conn: &mut PgConnection,
    owner_id: &OwnerId,
    token_id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE upload_tokens SET revoked_at = coalesce(revoked_at, $3) WHERE token_id = $1 AND owner_id = $2",
        token_id,
        owner_id.as_str(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets tokens that ended a week ago, `limit` at most. Returns how many.
#[tracing::instrument(name = "db.upload_tokens.forget", skip_all)]
pub async fn forget(conn: &mut PgConnection, limit: i64) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM upload_tokens WHERE token_id IN (
             SELECT token_id FROM upload_tokens WHERE expires_at < now() - interval '7 days'
             ORDER BY expires_at LIMIT $1)",
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
