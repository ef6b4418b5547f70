//! The work in flight and who can do it, for the check before a deploy.

use crate::define::ids::RunId;
use crate::store::error::StoreError;
use serde_json::Value;
use sqlx::{FromRow, PgPool};

/// A step that some build has registered, with the work there.
#[derive(FromRow)]
pub(crate) struct LaneRow {
    pub workflow: String,
    pub version: i32,
    pub step: String,
    pub shape: Option<Value>,
    pub tasks: i64,
    pub letters: i64,
    pub joins: i64,
    pub runs: Vec<RunId>,
}

/// Every step that some build has registered.
pub(crate) async fn lanes(pool: &PgPool) -> Result<Vec<LaneRow>, StoreError> {
    let lanes = sqlx::query_as::<_, LaneRow>(
        "WITH place AS (
            SELECT lane, run_id, 'task' AS kind FROM workflows.tasks
            UNION ALL
            SELECT lane, run_id, 'letter' FROM workflows.dead_letters WHERE resolved_at IS NULL
            UNION ALL
            SELECT join_lane, run_id, 'join' FROM workflows.fan_outs),
         work AS (
            SELECT lane, count(*) FILTER (WHERE kind = 'task') AS tasks,
                   count(*) FILTER (WHERE kind = 'letter') AS letters,
                   count(*) FILTER (WHERE kind = 'join') AS joins,
                   (array_agg(run_id ORDER BY run_id))[1:10] AS runs
            FROM place GROUP BY lane)
         SELECT workflow, version, step, shape,
                coalesce(tasks, 0) AS tasks, coalesce(letters, 0) AS letters,
                coalesce(joins, 0) AS joins, coalesce(runs, '{}') AS runs
         FROM workflows.lanes LEFT JOIN work USING (lane)
         ORDER BY workflow, version, step",
    );
    Ok(lanes.fetch_all(pool).await?)
}

/// Build and capabilities of each worker that has not left.
pub(crate) async fn capabilities(pool: &PgPool) -> Result<Vec<(String, Value)>, StoreError> {
    let workers = sqlx::query_as::<_, (String, Value)>(
        "SELECT build, capabilities FROM workflows.live_workers ORDER BY worker_id",
    );
    Ok(workers.fetch_all(pool).await?)
}

/// The newest `each` inputs of each step of at most `bytes` bytes: workflow, version, step, run, input.
pub(crate) async fn inputs(
    pool: &PgPool,
    each: i64,
    bytes: i32,
) -> Result<Vec<(String, i32, String, RunId, String)>, StoreError> {
    // The inputs are left out while the rows are sorted.
    let samples = sqlx::query_as::<_, (String, i32, String, RunId, String)>(
        "WITH place AS (
            SELECT lane, run_id, task_id, NULL::uuid AS letter_id FROM workflows.tasks
            UNION ALL
            SELECT lane, run_id, task_id, letter_id FROM workflows.dead_letters
            WHERE resolved_at IS NULL),
         sample AS (
            SELECT * FROM (
                SELECT *, row_number() OVER (PARTITION BY lane ORDER BY run_id DESC, task_id) AS nth
                FROM place) numbered
            WHERE nth <= $1)
         SELECT n.workflow, n.version, n.step, s.run_id, coalesce(t.input, d.input)::text
         FROM sample s
         JOIN workflows.lanes n USING (lane)
         LEFT JOIN workflows.tasks t ON s.letter_id IS NULL AND t.task_id = s.task_id
         LEFT JOIN workflows.dead_letters d ON d.letter_id = s.letter_id
         WHERE coalesce(pg_column_size(t.input), pg_column_size(d.input)) <= $2",
    );
    Ok(samples.bind(each).bind(bytes).fetch_all(pool).await?)
}
