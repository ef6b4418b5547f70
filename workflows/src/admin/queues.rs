//! Queues: list, pause, resume. A pause is kept in the database, so it outlives deploys.

use serde_json::json;
use sqlx::PgPool;

use super::{AdminError, By, Pause, audit, not_found};
use crate::{
    faults::Transaction,
    store::{self, commit::commit},
};

/// One queue.
#[derive(Debug, Clone)]
pub struct QueueEntry {
    /// Its name.
    pub queue: String,
    /// Workflows, with version, that have steps in it.
    pub workflows: Vec<String>,
    /// Claimable tasks, counted up to [`COUNTED`].
    pub ready: i64,
    /// Somebody holds it.
    pub paused: Option<Pause>,
}

/// A list does not count further than this.
pub const COUNTED: i64 = 100_000;

/// All queues that ever had work, by name.
pub async fn list(pool: &PgPool) -> Result<Vec<QueueEntry>, AdminError> {
    let rows = sqlx::query!(
        r#"SELECT l.queue AS "queue!",
                  array_agg(l.workflow || ' v' || l.version ORDER BY l.workflow, l.version) AS "workflows!",
                  sum((SELECT count(*) FROM (
                      SELECT FROM workflows.ready r WHERE r.lane = l.lane LIMIT $1) waiting))::bigint AS "ready!",
                  max(q.paused_at) AS paused_at, max(q.paused_by) AS paused_by, max(q.reason) AS reason
           FROM workflows.lanes l LEFT JOIN workflows.queues q USING (queue)
           GROUP BY l.queue ORDER BY l.queue"#,
        COUNTED,
    )
    .fetch_all(pool)
    .await?;
    let entries = rows.into_iter().map(|row| QueueEntry {
        queue: row.queue,
        workflows: row.workflows,
        ready: row.ready,
        paused: Pause::from(row.paused_at, row.paused_by, row.reason),
    });
    Ok(entries.collect())
}

/// Holds a queue: nothing more of it is claimed. What is under way goes on.
pub async fn pause(pool: &PgPool, queue: &str, by: By<'_>) -> Result<(), AdminError> {
    by.check()?;
    let mut transaction = pool.begin().await?;
    let tx = &mut *transaction;
    let known = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM workflows.lanes WHERE queue = $1) AS "known!""#,
        queue,
    );
    if !known.fetch_one(&mut *tx).await? {
        return Err(not_found("queue", queue));
    }
    let paused = sqlx::query!(
        "INSERT INTO workflows.queues (queue, paused_by, reason) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
        queue,
        by.actor,
        by.reason,
    );
    if paused.execute(&mut *tx).await?.rows_affected() == 0 {
        return Err(AdminError::Conflict(format!(
            "the queue {queue} is paused already"
        )));
    }
    audit::record(tx, by, "queue.pause", queue, json!({})).await?;
    commit(transaction, &[Transaction::Pause]).await?;
    Ok(())
}

/// Lets a paused queue go on.
pub async fn resume(pool: &PgPool, queue: &str, by: By<'_>) -> Result<(), AdminError> {
    by.check()?;
    let mut transaction = pool.begin().await?;
    let tx = &mut *transaction;
    let resumed = sqlx::query!("DELETE FROM workflows.queues WHERE queue = $1", queue);
    if resumed.execute(&mut *tx).await?.rows_affected() == 0 {
        return Err(AdminError::Conflict(format!(
            "the queue {queue} is not paused"
        )));
    }
    store::notify(tx, &[queue.to_owned()]).await?;
    audit::record(tx, by, "queue.resume", queue, json!({})).await?;
    commit(transaction, &[Transaction::Resume]).await?;
    Ok(())
}
