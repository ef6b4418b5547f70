//! API keys: who may do what. Only a key's SHA-256 is stored; the key itself is shown once, when it is made.
//!
//! A key is 32 random bytes, so its hash needs neither salt nor stretching, and looking a key up by hash leaks
//! nothing through timing: an attacker cannot steer the hash's bytes.

mod entries;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use rand::RngCore as _;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

pub use self::entries::{KeyEntry, Wanted, get, list};
use crate::{OwnerId, Sha256};

/// What every key starts with, so that people and secret scanners recognise one.
const PREFIX: &str = "mm_";

/// A prefix and 32 bytes from the operating system's generator, in hexadecimal.
#[expect(
    clippy::disallowed_methods,
    reason = "a key that can be foretold is none"
)]
pub(crate) fn secret(prefix: &str) -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    format!("{prefix}{}", Sha256::from_bytes(bytes).to_hex())
}

/// What a key allows. The string is a contract: never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Start, finish and abort uploads.
    #[serde(rename = "uploads:write")]
    UploadsWrite,
    /// See files.
    #[serde(rename = "files:read")]
    FilesRead,
    /// Everything, for operators.
    #[serde(rename = "admin")]
    Admin,
}

impl Scope {
    /// Every scope, from the least to the most powerful.
    pub const ALL: [Self; 3] = [Self::UploadsWrite, Self::FilesRead, Self::Admin];

    /// The stable string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UploadsWrite => "uploads:write",
            Self::FilesRead => "files:read",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope; known are uploads:write, files:read, admin")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or(UnknownScope)
    }
}

/// A key in the clear: `mm_` and 64 hex digits. Not printable by accident.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// A new key of 32 bytes from the operating system's generator.
    pub fn generate() -> Self {
        Self(secret(PREFIX))
    }

    /// A key somebody presents. Any text is taken; only a known one is found.
    pub fn presented(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key itself, to show once to whoever asked for it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What of it is stored.
    pub fn hash(&self) -> Sha256 {
        Sha256::of(self.0.as_bytes())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey([redacted])")
    }
}

/// Who a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The key's id, fit for logs.
    pub api_key_id: Uuid,
    /// Whose files it reaches.
    pub owner_id: OwnerId,
    /// What it allows.
    pub scopes: Vec<Scope>,
}

/// Stores a key. `name` is for people.
#[tracing::instrument(name = "db.api_keys.create", skip_all, fields(media.owner_id = %owner_id))]
pub async fn create(
    conn: &mut PgConnection,
    api_key_id: Uuid,
    key: &ApiKey,
    owner_id: &OwnerId,
    scopes: &[Scope],
    name: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let hash = key.hash();
    let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "INSERT INTO api_keys (api_key_id, key_hash, owner_id, scopes, name, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        api_key_id,
        hash.as_bytes().as_slice(),
        owner_id.as_str(),
        &scopes,
        name,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The id of a key, whatever has become of it.
#[tracing::instrument(name = "db.api_keys.identify", skip_all)]
pub async fn identify(conn: &mut PgConnection, key: &ApiKey) -> Result<Option<Uuid>, sqlx::Error> {
    let hash = key.hash();
    sqlx::query_scalar!(
        "SELECT api_key_id FROM api_keys WHERE key_hash = $1",
        hash.as_bytes().as_slice(),
    )
    .fetch_optional(conn)
    .await
}

/// Lets a key end by itself.
#[tracing::instrument(name = "db.api_keys.expire", skip_all, fields(media.api_key_id = %api_key_id))]
pub async fn expire(
    conn: &mut PgConnection,
    api_key_id: Uuid,
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE api_keys SET expires_at = $2 WHERE api_key_id = $1",
        api_key_id,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a key was used. Written once a minute at most: it is asked for with every request.
async fn note_use(conn: &mut PgConnection, api_key_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE api_keys SET last_used_at = clock_timestamp() WHERE api_key_id = $1",
        api_key_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who the key stands for, unless it is unknown or has ended. Scopes that this build does not know allow nothing.
#[tracing::instrument(name = "db.api_keys.find", skip_all)]
pub async fn find(conn: &mut PgConnection, key: &ApiKey) -> Result<Option<Principal>, sqlx::Error> {
    let hash = key.hash();
    let row = sqlx::query!(
        r#"SELECT api_key_id, owner_id, scopes,
                  coalesce(last_used_at < clock_timestamp() - interval '1 minute', true) AS "unnoted!"
           FROM api_keys
           WHERE key_hash = $1 AND revoked_at IS NULL
             AND (expires_at IS NULL OR expires_at > clock_timestamp())"#,
        hash.as_bytes().as_slice(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(row) = row.as_ref().filter(|row| row.unnoted)
        && let Err(error) = note_use(conn, row.api_key_id).await
    {
        // A database that takes no writes is no reason to refuse those who read.
        tracing::warn!(error = %error, media.api_key_id = %row.api_key_id, "the use of a key could not be noted");
    }
    row.map(|row| {
        Ok(Principal {
            api_key_id: row.api_key_id,
            owner_id: OwnerId::new(row.owner_id).map_err(|e| sqlx::Error::Decode(e.into()))?,
            scopes: row
                .scopes
                .iter()
                .filter_map(|scope| scope.parse().ok())
                .collect(),
        })
    })
    .transpose()
}

/// Ends a key for good. `false` if there was none to end.
#[tracing::instrument(name = "db.api_keys.revoke", skip_all, fields(media.api_key_id = %api_key_id))]
pub async fn revoke(
    conn: &mut PgConnection,
    api_key_id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE api_keys SET revoked_at = $2 WHERE api_key_id = $1 AND revoked_at IS NULL",
        api_key_id,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
