//! Reading runs. No statement here changes anything.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::define::ids::RunId;
use crate::store::error::StoreError;
use crate::{
    protocol::state::{RunState, StepState},
    store::inspect as store,
};

/// One run, in short.
#[derive(Debug, Clone)]
pub struct RunSummary {
    /// Its id, which it keeps when it is started again.
    pub run_id: RunId,
    /// Durable name of its workflow.
    pub workflow: String,
    /// Version of the workflow it was started with.
    pub version: i32,
    /// Where it stands. A dead run has not ended.
    pub state: RunState,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// When it ended, if it did.
    pub ended_at: Option<DateTime<Utc>>,
    /// Steps that were reached, in the order they were reached.
    pub steps: Vec<StepSummary>,
}

/// One step of a run, its fan-out children taken together.
#[derive(Debug, Clone)]
pub struct StepSummary {
    /// Durable name of the step.
    pub name: String,
    /// Where the step stands, of all its tasks together.
    pub state: StepState,
    /// Tasks that are done.
    pub done: i64,
    /// Tasks in all: one, or one per child.
    pub total: i64,
    /// Attempts that ended, of all tasks.
    pub attempts: i64,
    /// Message of the latest error.
    pub last_error: Option<String>,
    /// How much of the step is done, from 0 to 1, when a task of it that runs has said so
    /// ([`Attempt::progress`](crate::define::step::Attempt::progress)).
    pub progress: Option<f64>,
}

/// The newest run about `subject`.
pub async fn latest_run(pool: &PgPool, subject: Uuid) -> Result<Option<RunSummary>, StoreError> {
    let Some(run) = store::latest_run(pool, subject).await? else {
        return Ok(None);
    };
    let steps = store::steps(pool, run.run_id).await?.into_iter();
    let steps = steps.map(|step| StepSummary {
        name: step.name,
        state: step.state,
        done: step.done,
        total: step.total,
        attempts: step.attempts,
        last_error: step.last_error,
        progress: step.progress,
    });
    Ok(Some(RunSummary {
        run_id: run.run_id,
        workflow: run.workflow,
        version: run.version,
        state: run.state,
        started_at: run.created_at,
        ended_at: run.ended_at,
        steps: steps.collect(),
    }))
}

/// The run about `subject` that has not ended, if there is one: the newest.
pub async fn live_run(
    connection: &mut PgConnection,
    subject: Uuid,
) -> Result<Option<RunId>, StoreError> {
    store::live_run(connection, subject).await
}
