//! How many sessions an owner has open, and may.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::OwnerId;

/// Nobody else opens a session for this owner until the transaction ends: what was counted is still so when another
/// session is added.
#[tracing::instrument(name = "db.uploads.one_at_a_time", skip_all, fields(media.owner_id = %owner_id))]
pub async fn one_at_a_time(tx: &mut PgConnection, owner_id: &OwnerId) -> Result<(), sqlx::Error> {
    // No object's key, which are locked alike, has a space.
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended($1, 0)) IS NULL AS "locked""#,
        format!("open uploads of {owner_id}"),
    )
    .fetch_one(tx)
    .await?;
    Ok(())
}

/// How many sessions an owner has open that have not expired, counted up to `most`.
#[tracing::instrument(name = "db.uploads.count_open", skip_all, fields(media.owner_id = %owner_id))]
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
