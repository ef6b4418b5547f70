//! How much waits where, counted once for all who ask.

use crate::store::error::StoreError;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

/// What was counted last.
pub(crate) struct Stored {
    pub counted_at: DateTime<Utc>,
    pub counts: Value,
    /// Seconds since then.
    pub age: f64,
}

/// What was counted last.
pub(crate) async fn read(pool: &PgPool) -> Result<Stored, StoreError> {
    Ok(sqlx::query_as!(
        Stored,
        r#"SELECT counted_at, counts,
                  extract(epoch FROM clock_timestamp() - counted_at)::float8 AS "age!"
           FROM workflows.depths"#
    )
    .fetch_one(pool)
    .await?)
}

/// Locks the row, if it is older than `max_age` and nobody else is counting.
pub(crate) async fn take(tx: &mut PgConnection, max_age: Duration) -> Result<bool, StoreError> {
    let mine = sqlx::query_scalar!(
        "SELECT one FROM workflows.depths WHERE counted_at < clock_timestamp() - make_interval(secs => $1)
         FOR UPDATE SKIP LOCKED",
        max_age.as_secs_f64(),
    );
    Ok(mine.fetch_optional(tx).await?.is_some())
}

/// Keeps what was counted.
pub(crate) async fn keep(tx: &mut PgConnection, counts: &Value) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE workflows.depths SET counted_at = clock_timestamp(), counts = $1",
        counts,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Tasks of one step of one version of a workflow, by where they are.
pub(crate) struct Lane {
    pub queue: String,
    pub workflow: String,
    pub version: i32,
    pub step: String,
    pub ready: i64,
    pub suspects: i64,
    pub deferred: i64,
    pub running: i64,
    pub held: i64,
    pub dead: i64,
    /// Seconds for which the oldest claimable task has been ready.
    pub oldest: Option<f64>,
}

/// Reads every live task once.
pub(crate) async fn count(tx: &mut PgConnection) -> Result<Vec<Lane>, StoreError> {
    Ok(sqlx::query_as!(
        Lane,
        r#"WITH place AS (
            SELECT lane, task_id, 'ready' AS place FROM workflows.ready
            UNION ALL SELECT lane, task_id, 'suspect' FROM workflows.suspects
            UNION ALL SELECT NULL, task_id, 'deferred' FROM workflows.deferred
            UNION ALL SELECT NULL, task_id, 'running' FROM workflows.leases),
         live AS (
            SELECT t.lane, place.place, t.ready_at
            FROM workflows.tasks t LEFT JOIN place USING (task_id)
            UNION ALL
            SELECT lane, 'dead', NULL FROM workflows.dead_letters WHERE resolved_at IS NULL)
         SELECT l.queue, l.workflow, l.version, l.step,
                count(*) FILTER (WHERE place = 'ready') AS "ready!",
                count(*) FILTER (WHERE place = 'suspect') AS "suspects!",
                count(*) FILTER (WHERE place = 'deferred') AS "deferred!",
                count(*) FILTER (WHERE place = 'running') AS "running!",
                count(*) FILTER (WHERE place IS NULL) AS "held!",
                count(*) FILTER (WHERE place = 'dead') AS "dead!",
                extract(epoch FROM clock_timestamp()
                    - min(ready_at) FILTER (WHERE place IN ('ready', 'suspect')))::float8 AS oldest
         FROM live JOIN workflows.lanes l USING (lane)
         GROUP BY l.lane"#
    )
    .fetch_all(tx)
    .await?)
}
