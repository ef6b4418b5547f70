//! Limits of queues, as people set and read them. `claim/limited.rs` keeps them.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::define::actor::Actor;
use crate::define::ids::FairnessHash;
use crate::store::error::StoreError;

/// What a queue may.
pub(crate) struct Rule {
    pub concurrency: Option<i32>,
    pub per_key: Option<i32>,
    pub per_second: Option<f64>,
}

/// A limited queue and how much of its limit is used.
pub(crate) struct Limited {
    pub queue: String,
    pub concurrency: Option<i32>,
    pub per_key: Option<i32>,
    pub per_second: Option<f64>,
    pub set_at: DateTime<Utc>,
    pub set_by: String,
    pub reason: String,
    pub running: i64,
    pub may_begin: Option<f64>,
}

/// All queues that have limits, by name.
pub(crate) async fn list(pool: &PgPool) -> Result<Vec<Limited>, StoreError> {
    Ok(sqlx::query_as!(
        Limited,
        r#"SELECT queue, concurrency, per_key, per_second, set_at, set_by, reason,
                  (SELECT count(*) FROM workflows.permits p JOIN workflows.leases l USING (task_id, token)
                   WHERE p.queue = limits.queue) AS "running!",
                  CASE WHEN per_second IS NOT NULL THEN
                      least(burst, saved + greatest(0, extract(epoch FROM clock_timestamp() - filled_at)::float8)
                                           * per_second) END AS may_begin
           FROM workflows.limits ORDER BY queue"#
    )
    .fetch_all(pool)
    .await?)
}

/// Limits a queue, in place of the limit that it had. What runs already counts.
pub(crate) async fn set(
    tx: &mut PgConnection,
    queue: &str,
    rule: &Rule,
    by: Actor<'_>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO workflows.limits (queue, concurrency, per_key, per_second, set_by, reason)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (queue) DO UPDATE
         SET concurrency = excluded.concurrency, per_key = excluded.per_key, per_second = excluded.per_second,
             set_at = now(), set_by = excluded.set_by, reason = excluded.reason",
        queue,
        rule.concurrency,
        rule.per_key,
        rule.per_second,
        by.name,
        by.reason,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "INSERT INTO workflows.permits (queue, key, task_id, token)
         SELECT $1, t.key, l.task_id, l.token
         FROM workflows.leases l JOIN workflows.tasks t USING (task_id) JOIN workflows.lanes n USING (lane)
         WHERE n.queue = $1
         ON CONFLICT DO NOTHING",
        queue,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes the limit from a queue. `false`: it has none.
pub(crate) async fn remove(tx: &mut PgConnection, queue: &str) -> Result<bool, StoreError> {
    let removed = sqlx::query!("DELETE FROM workflows.limits WHERE queue = $1", queue);
    if removed.execute(&mut *tx).await?.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!("DELETE FROM workflows.permits WHERE queue = $1", queue)
        .execute(tx)
        .await?;
    Ok(true)
}

/// How many tasks of a fairness key run in a limited queue.
pub(crate) async fn running_of_key(
    pool: &PgPool,
    queue: &str,
    fairness_hash: FairnessHash,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "tasks!"
           FROM workflows.permits p JOIN workflows.leases l USING (task_id, token)
           WHERE p.queue = $1 AND p.key = $2"#,
        queue,
        fairness_hash.0,
    )
    .fetch_one(pool)
    .await?)
}
