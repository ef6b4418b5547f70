//! What was tried.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::admin::{AdminError, Payload};
use crate::protocol::state::AttemptOutcome;

/// A timeline is cut off after so many attempts.
const LENGTH: i64 = 1000;

/// One attempt that ended.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Fencing token: the order of the claims.
    pub token: i64,
    /// The task.
    pub task_id: Uuid,
    /// The step.
    pub step: String,
    /// Place among the children.
    pub child: Option<i32>,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Error or rejection.
    pub error: Option<Payload>,
    /// Name of the worker.
    pub worker: Option<String>,
    /// Version of its program.
    pub build: Option<String>,
    /// When it was claimed.
    pub started_at: DateTime<Utc>,
    /// When its end was written.
    pub ended_at: DateTime<Utc>,
}

/// Every attempt of a run, or of one of its tasks.
pub(in crate::admin) async fn attempts_of(
    pool: &PgPool,
    run_id: Uuid,
    task_id: Option<Uuid>,
) -> Result<Vec<Attempt>, AdminError> {
    let attempts = sqlx::query_as!(
        Attempt,
        r#"SELECT a.token, a.task_id, l.step, a.child, a.outcome AS "outcome: AttemptOutcome",
                  a.error::text AS "error: Payload",
                  w.name AS "worker?", w.build AS "build?", a.started_at, a.ended_at
           FROM workflows.attempts a JOIN workflows.lanes l USING (lane)
           LEFT JOIN workflows.workers w USING (worker_id)
           WHERE a.run_id = $1 AND ($2::uuid IS NULL OR a.task_id = $2)
           ORDER BY a.token LIMIT $3"#,
        run_id,
        task_id,
        LENGTH,
    );
    Ok(attempts.fetch_all(pool).await?)
}
