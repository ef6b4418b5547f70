//! Reading the history.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::define::ids::{FencingToken, RunId, TaskId};
use crate::protocol::state::AttemptOutcome;
use crate::store::error::StoreError;

/// An attempt that ended.
pub(crate) struct Attempt {
    pub token: FencingToken,
    pub task_id: TaskId,
    pub step: String,
    pub child: Option<i32>,
    pub outcome: AttemptOutcome,
    pub error: Option<String>,
    pub worker: Option<String>,
    pub build: Option<String>,
    pub started_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
}

/// The first `limit` attempts of a run, or of one of its tasks, in the order of the claims.
pub(crate) async fn list(
    pool: &PgPool,
    run_id: RunId,
    task_id: Option<TaskId>,
    limit: i64,
) -> Result<Vec<Attempt>, StoreError> {
    Ok(sqlx::query_as!(
        Attempt,
        r#"SELECT a.token, a.task_id, l.step, a.child, a.outcome AS "outcome: AttemptOutcome",
                  a.error::text AS error, w.name AS "worker?", w.build AS "build?", a.started_at, a.ended_at
           FROM workflows.attempts a JOIN workflows.lanes l USING (lane)
           LEFT JOIN workflows.workers w USING (worker_id)
           WHERE a.run_id = $1 AND ($2::uuid IS NULL OR a.task_id = $2)
           ORDER BY a.token LIMIT $3"#,
        run_id.0,
        task_id as Option<TaskId>,
        limit,
    )
    .fetch_all(pool)
    .await?)
}
