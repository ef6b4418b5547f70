//! The two buckets, and which of a store hold a database's files, for processes to agree on.

use sqlx::PgConnection;

/// One of the two buckets; their names are configuration, their roles are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// What clients uploaded and nobody has checked.
    Staging,
    /// What was checked or made by us, and may be served.
    Origin,
}

impl Bucket {
    /// Its role, as in the column `storage_buckets.use`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Origin => "origin",
        }
    }
}

/// Records the bucket's name if none is on record. Returns the name that is.
pub async fn record(
    conn: &mut PgConnection,
    bucket: Bucket,
    name: &str,
) -> Result<String, sqlx::Error> {
    sqlx::query!(
        "INSERT INTO storage_buckets (use, name) VALUES ($1, $2) ON CONFLICT (use) DO NOTHING",
        bucket.as_str(),
        name,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        "SELECT name FROM storage_buckets WHERE use = $1",
        bucket.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// Forgets the names: the objects were moved, and the next process that starts records anew.
pub async fn forget(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM storage_buckets")
        .execute(conn)
        .await?;
    Ok(())
}
