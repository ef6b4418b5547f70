//! Row locks: always runs before leases. Leases are ended only under the lock of their run, so
//! their own order does not matter.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// Holds the runs still for this transaction. Returns which of them are paused.
pub(crate) async fn runs(
    connection: &mut PgConnection,
    runs: &[Uuid],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let locked = sqlx::query!(
        r#"SELECT run_id, paused_at IS NOT NULL AS "paused!" FROM workflows.runs
           WHERE run_id = ANY($1) ORDER BY run_id FOR NO KEY UPDATE"#,
        runs,
    )
    .fetch_all(connection)
    .await?;
    Ok(locked
        .into_iter()
        .filter(|run| run.paused)
        .map(|run| run.run_id)
        .collect())
}

/// The fence: ends the leases of those of the given attempts that still hold one, and says since
/// when they held it. Call under the runs' locks. A lease whose task is gone (its run ended in the
/// moment of the claim) is worth nothing.
pub(crate) async fn end_leases(
    connection: &mut PgConnection,
    tasks: &[Uuid],
    tokens: &[i64],
    worker_id: i64,
) -> Result<HashMap<Uuid, DateTime<Utc>>, sqlx::Error> {
    let ended = sqlx::query!(
        r#"DELETE FROM workflows.leases l
           USING unnest($1::uuid[], $2::bigint[]) AS held (task_id, token)
           WHERE l.task_id = held.task_id AND l.token = held.token AND l.worker_id = $3
           RETURNING l.task_id, l.started_at,
               EXISTS (SELECT FROM workflows.tasks t WHERE t.task_id = l.task_id) AS "alive!""#,
        tasks,
        tokens,
        worker_id,
    )
    .fetch_all(connection)
    .await?;
    Ok(ended
        .into_iter()
        .filter(|lease| lease.alive)
        .map(|lease| (lease.task_id, lease.started_at))
        .collect())
}
