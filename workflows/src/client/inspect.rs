//! Reading runs. No statement here changes anything.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::protocol::state::{RunState, StepState};

/// One run, in short.
#[derive(Debug, Clone)]
pub struct RunSummary {
    /// The run.
    pub run_id: Uuid,
    /// Durable name of its workflow.
    pub workflow: String,
    /// Version of the workflow it was started with.
    pub version: i32,
    /// Its state.
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
    /// Durable name.
    pub name: String,
    /// Its state.
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
pub async fn latest_run(pool: &PgPool, subject: Uuid) -> Result<Option<RunSummary>, sqlx::Error> {
    let run = sqlx::query!(
        r#"SELECT run_id, workflow, version, state AS "state: RunState", created_at, ended_at
           FROM workflows.runs WHERE subject = $1 ORDER BY created_at DESC, run_id DESC LIMIT 1"#,
        subject,
    )
    .fetch_optional(pool)
    .await?;
    let Some(run) = run else { return Ok(None) };
    Ok(Some(RunSummary {
        run_id: run.run_id,
        workflow: run.workflow,
        version: run.version,
        state: run.state,
        started_at: run.created_at,
        ended_at: run.ended_at,
        steps: steps(pool, run.run_id).await?,
    }))
}

/// The run about `subject` that has not ended, if there is one: the newest.
pub async fn live_run(
    connection: &mut PgConnection,
    subject: Uuid,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT run_id FROM workflows.runs WHERE subject = $1 AND state IN ('running', 'dead')
         ORDER BY created_at DESC, run_id DESC LIMIT 1",
        subject,
    )
    .fetch_optional(connection)
    .await
}

async fn steps(pool: &PgPool, run_id: Uuid) -> Result<Vec<StepSummary>, sqlx::Error> {
    sqlx::query_file_as!(StepSummary, "src/store/run_steps.sql", run_id)
        .fetch_all(pool)
        .await
}
