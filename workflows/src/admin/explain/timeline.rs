//! What was tried.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::define::ids::{FencingToken, RunId, TaskId};
use crate::{
    admin::{AdminError, Payload},
    protocol::state::AttemptOutcome,
    store::attempts,
};

/// A timeline is cut off after so many attempts.
const LENGTH: i64 = 1000;

/// One attempt that ended.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Fencing token: the order of the claims.
    pub token: FencingToken,
    /// The task that was tried.
    pub task_id: TaskId,
    /// Durable name of the step.
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
    run_id: RunId,
    task_id: Option<TaskId>,
) -> Result<Vec<Attempt>, AdminError> {
    let attempts = attempts::list(pool, run_id, task_id, LENGTH).await?;
    let attempts = attempts.into_iter().map(|attempt| Attempt {
        token: attempt.token,
        task_id: attempt.task_id,
        step: attempt.step,
        child: attempt.child,
        outcome: attempt.outcome,
        error: attempt.error.map(Payload::stored),
        worker: attempt.worker,
        build: attempt.build,
        started_at: attempt.started_at,
        ended_at: attempt.ended_at,
    });
    Ok(attempts.collect())
}
