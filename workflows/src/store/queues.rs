//! Queues: what waits in them, and which are paused.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::define::actor::Actor;
use crate::define::ids::LaneId;
use crate::store::error::StoreError;

/// What waits at a step.
pub(crate) struct Waiting {
    pub lane: LaneId,
    pub workflow: String,
    pub version: i32,
    pub step: String,
    /// The queue in which the newest build runs the step.
    pub queue: String,
    pub ready: i64,
    pub suspects: i64,
}

/// What waits at each step, counted up to `most`.
pub(crate) async fn waiting(pool: &PgPool, most: i64) -> Result<Vec<Waiting>, StoreError> {
    Ok(sqlx::query_as!(
        Waiting,
        r#"SELECT lane, workflow, version, step, queue,
                  (SELECT count(*) FROM (
                      SELECT FROM workflows.ready r WHERE r.lane = l.lane LIMIT $1) waiting) AS "ready!",
                  (SELECT count(*) FROM (
                      SELECT FROM workflows.suspects s WHERE s.lane = l.lane LIMIT $1) waiting) AS "suspects!"
           FROM workflows.lanes l"#,
        most,
    )
    .fetch_all(pool)
    .await?)
}

/// A paused queue.
pub(crate) struct Pause {
    pub queue: String,
    pub paused_at: DateTime<Utc>,
    pub paused_by: String,
    pub reason: String,
}

/// The queues that are paused.
pub(crate) async fn paused(pool: &PgPool) -> Result<Vec<Pause>, StoreError> {
    Ok(sqlx::query_as!(
        Pause,
        "SELECT queue, paused_at, paused_by, reason FROM workflows.queues"
    )
    .fetch_all(pool)
    .await?)
}

/// Pauses a queue. `false`: it is paused already.
pub(crate) async fn pause(
    tx: &mut PgConnection,
    queue: &str,
    by: Actor<'_>,
) -> Result<bool, StoreError> {
    let paused = sqlx::query!(
        "INSERT INTO workflows.queues (queue, paused_by, reason) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
        queue,
        by.name,
        by.reason,
    );
    Ok(paused.execute(tx).await?.rows_affected() > 0)
}

/// Lets a queue go on. `false`: it is not paused.
pub(crate) async fn resume(tx: &mut PgConnection, queue: &str) -> Result<bool, StoreError> {
    let resumed = sqlx::query!("DELETE FROM workflows.queues WHERE queue = $1", queue);
    Ok(resumed.execute(tx).await?.rows_affected() > 0)
}

/// Whether a queue is the newest build's, or that of any build at work.
pub(crate) async fn exists(tx: &mut PgConnection, queue: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM workflows.lanes WHERE queue = $1)
               OR EXISTS (SELECT FROM workflows.live_workers
                          WHERE jsonb_path_exists(capabilities, '$[*].steps[*].queue ? (@ == $queue)',
                                                  jsonb_build_object('queue', $1::text))) AS "known!""#,
        queue,
    )
    .fetch_one(tx)
    .await?)
}
