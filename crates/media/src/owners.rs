//! What owners have and may have: files, their bytes, open uploads. The database counts files and bytes itself, by a
//! trigger, in the transaction of whatever changes a file; see the migration `create_owners`.

mod quota;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use self::quota::MOST;
pub use self::quota::{DefaultQuota, OverQuota, Quota, Resource};
use crate::OwnerId;

/// What an owner has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Files, from the beginning of their uploads until they are refused, given up, cancelled or deleted.
    pub files: u64,
    /// Bytes of these.
    pub bytes: u64,
}

/// An owner, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Who.
    pub owner_id: String,
    /// What they have.
    pub usage: Usage,
    /// What they may have in place of the settings.
    pub quota: Quota,
}

impl Owner {
    fn new(owner_id: &OwnerId) -> Self {
        Self {
            owner_id: owner_id.as_str().to_owned(),
            usage: Usage::default(),
            quota: Quota::default(),
        }
    }

    /// What they may have: their own quota, or else the settings'.
    pub fn may(&self, default: &DefaultQuota) -> DefaultQuota {
        DefaultQuota {
            max_files: self.quota.max_files.or(default.max_files),
            max_bytes: self.quota.max_bytes.or(default.max_bytes),
            max_open_uploads: self
                .quota
                .max_open_uploads
                .unwrap_or(default.max_open_uploads),
        }
    }

    /// Whether there is room for one more file of `bytes`, beside `open` uploads.
    pub fn room(&self, default: &DefaultQuota, bytes: u64, open: u32) -> Result<(), OverQuota> {
        let may = self.may(default);
        if open >= may.max_open_uploads {
            let limit = may.max_open_uploads;
            return Err(OverQuota::OpenUploads { limit, open });
        }
        for (resource, limit, used, asked) in [
            (Resource::Files, may.max_files, self.usage.files, 1),
            (Resource::Bytes, may.max_bytes, self.usage.bytes, bytes),
        ] {
            if let Some(limit) = limit
                && used.saturating_add(asked) > limit
            {
                return Err(OverQuota::Held {
                    resource,
                    limit,
                    used,
                    asked,
                });
            }
        }
        Ok(())
    }
}

struct Row {
    owner_id: String,
    files: i64,
    bytes: i64,
    max_files: Option<i64>,
    max_bytes: Option<i64>,
    max_open_uploads: Option<i32>,
}

impl From<Row> for Owner {
    fn from(row: Row) -> Self {
        // The table holds all of them to 0 at least.
        let limit = |limit: Option<i64>| limit.map(i64::unsigned_abs);
        Self {
            owner_id: row.owner_id,
            usage: Usage {
                files: row.files.unsigned_abs(),
                bytes: row.bytes.unsigned_abs(),
            },
            quota: Quota {
                max_files: limit(row.max_files),
                max_bytes: limit(row.max_bytes),
                max_open_uploads: row.max_open_uploads.map(i32::unsigned_abs),
            },
        }
    }
}

/// An owner. One of whom nothing is known has nothing.
#[tracing::instrument(name = "db.owners.get", skip_all, fields(media.owner_id = %owner_id))]
pub async fn get(conn: &mut PgConnection, owner_id: &OwnerId) -> Result<Owner, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT owner_id, files, bytes, max_files, max_bytes, max_open_uploads FROM owners WHERE owner_id = $1",
        owner_id.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map_or_else(|| Owner::new(owner_id), Into::into))
}

/// An owner, of whom nobody else opens an upload until the transaction ends: what was found is still so when another one
/// is added.
#[tracing::instrument(name = "db.owners.lock", skip_all, fields(media.owner_id = %owner_id))]
pub async fn lock(tx: &mut PgConnection, owner_id: &OwnerId) -> Result<Owner, sqlx::Error> {
    sqlx::query!(
        "INSERT INTO owners (owner_id) VALUES ($1) ON CONFLICT DO NOTHING",
        owner_id.as_str(),
    )
    .execute(&mut *tx)
    .await?;
    let row = sqlx::query_as!(
        Row,
        "SELECT owner_id, files, bytes, max_files, max_bytes, max_open_uploads FROM owners WHERE owner_id = $1
         FOR UPDATE",
        owner_id.as_str(),
    )
    .fetch_one(tx)
    .await?;
    Ok(row.into())
}

/// How many uploads an owner has open that have not expired, counted up to `most`.
#[tracing::instrument(name = "db.owners.count_open", skip_all, fields(media.owner_id = %owner_id))]
pub async fn count_open(
    conn: &mut PgConnection,
    owner_id: &OwnerId,
    now: DateTime<Utc>,
    most: u32,
) -> Result<u32, sqlx::Error> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
             SELECT FROM uploads
             WHERE owner_id = $1 AND completed_at IS NULL AND aborted_at IS NULL AND expires_at > $2
             LIMIT $3) AS open"#,
        owner_id.as_str(),
        now,
        i64::from(most),
    )
    .fetch_one(conn)
    .await?;
    u32::try_from(count).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Owners by name, behind `after`, `limit` at most.
#[tracing::instrument(name = "db.owners.list", skip_all)]
pub async fn list(
    conn: &mut PgConnection,
    after: Option<&OwnerId>,
    limit: i64,
) -> Result<Vec<Owner>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT owner_id, files, bytes, max_files, max_bytes, max_open_uploads FROM owners
         WHERE $1::text IS NULL OR owner_id > $1 ORDER BY owner_id LIMIT $2",
        after.map(OwnerId::as_str),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Sets what an owner may have, in place of what was set before. What they have beyond it stays.
#[tracing::instrument(name = "db.owners.allow", skip_all, fields(media.owner_id = %owner_id))]
pub async fn allow(
    conn: &mut PgConnection,
    owner_id: &OwnerId,
    quota: Quota,
) -> Result<Owner, sqlx::Error> {
    let stored = |limit: Option<u64>| limit.map(|limit| limit.min(MOST).cast_signed());
    let open = quota
        .max_open_uploads
        .map(|open| i32::try_from(open).unwrap_or(i32::MAX));
    let row = sqlx::query_as!(
        Row,
        "INSERT INTO owners (owner_id, max_files, max_bytes, max_open_uploads) VALUES ($1, $2, $3, $4)
         ON CONFLICT (owner_id) DO UPDATE
         SET max_files = EXCLUDED.max_files, max_bytes = EXCLUDED.max_bytes,
             max_open_uploads = EXCLUDED.max_open_uploads
         RETURNING owner_id, files, bytes, max_files, max_bytes, max_open_uploads",
        owner_id.as_str(),
        stored(quota.max_files),
        stored(quota.max_bytes),
        open,
    )
    .fetch_one(conn)
    .await?;
    Ok(row.into())
}
