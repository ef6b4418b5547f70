//! How much waits where.

use sqlx::PgPool;

use super::AdminError;

/// Tasks of one step, by where they are.
#[derive(Debug, Clone)]
pub struct Depth {
    /// Queue of the step.
    pub queue: String,
    /// Durable name of the workflow.
    pub workflow: String,
    /// Durable name of the step.
    pub step: String,
    /// Claimable now.
    pub ready: i64,
    /// Claimable later.
    pub deferred: i64,
    /// Being worked on.
    pub running: i64,
    /// Open dead letters.
    pub dead: i64,
    /// Seconds for which the oldest ready task has been ready.
    pub oldest_ready_seconds: Option<f64>,
}

/// Counts tasks. Reads every live task once, so ask at the pace of a dashboard, not of a loop.
pub async fn depths(pool: &PgPool) -> Result<Vec<Depth>, AdminError> {
    let depths = sqlx::query_as!(
        Depth,
        r#"WITH task AS (
            SELECT l.queue, l.workflow, t.step, t.ready_at,
                   r.task_id IS NOT NULL AS ready, d.task_id IS NOT NULL AS deferred,
                   h.task_id IS NOT NULL AS running, false AS dead
            FROM workflows.tasks t
            JOIN workflows.lanes l USING (lane)
            LEFT JOIN workflows.ready r
                ON (r.lane, r.key, r.rank, r.task_id) = (t.lane, t.key, t.rank, t.task_id)
            LEFT JOIN workflows.deferred d ON d.task_id = t.task_id
            LEFT JOIN workflows.leases h ON h.task_id = t.task_id
            UNION ALL
            SELECT l.queue, l.workflow, d.step, NULL, false, false, false, true
            FROM workflows.dead_letters d JOIN workflows.lanes l USING (lane)
            WHERE d.resolved_at IS NULL)
         SELECT queue AS "queue!", workflow AS "workflow!", step AS "step!",
                count(*) FILTER (WHERE ready) AS "ready!", count(*) FILTER (WHERE deferred) AS "deferred!",
                count(*) FILTER (WHERE running) AS "running!", count(*) FILTER (WHERE dead) AS "dead!",
                extract(epoch FROM clock_timestamp() - min(ready_at) FILTER (WHERE ready))::float8
                    AS oldest_ready_seconds
         FROM task GROUP BY queue, workflow, step ORDER BY queue, workflow, step"#
    );
    Ok(depths.fetch_all(pool).await?)
}
