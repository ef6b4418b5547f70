//! Runs: list, cancel, hold, restart.

mod cancel;
mod hold;
mod restart;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::admin::{AdminError, Page, Paging, Pause, Payload, not_found};
use crate::protocol::state::RunState;

pub(super) use cancel::end;
pub use cancel::{cancel, cancel_in};
pub use hold::{pause, pause_in, resume, resume_in};
pub use restart::{restart, restart_in};

/// One run, in short.
#[derive(Debug, Clone)]
pub struct RunEntry {
    /// The run.
    pub run_id: Uuid,
    /// Durable name of its workflow.
    pub workflow: String,
    /// Version it was started with.
    pub version: i32,
    /// What it is about.
    pub subject: Uuid,
    /// Its fairness key.
    pub owner: String,
    /// See [`crate::client::start::Starter::priority`].
    pub priority: i16,
    /// Its state.
    pub state: RunState,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// When it ended, if it did.
    pub ended_at: Option<DateTime<Utc>>,
    /// The last step's output, why it was rejected, or who cancelled it and at which steps.
    pub result: Option<Payload>,
    /// Somebody holds it.
    pub paused: Option<Pause>,
}

/// Which runs. What is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Name of the workflow.
    pub workflow: Option<String>,
    /// State.
    pub state: Option<RunState>,
    /// Fairness key.
    pub owner: Option<String>,
    /// What the run is about.
    pub subject: Option<Uuid>,
}

/// Runs, the newest first, without their results.
pub async fn list(
    pool: &PgPool,
    filter: &RunFilter,
    paging: Paging,
) -> Result<Page<RunEntry>, AdminError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT run_id, workflow, version, subject, fairness_key, priority,
                  state AS "state: RunState", created_at, ended_at,
                  NULL AS "result: Payload", paused_at, paused_by, pause_reason
           FROM workflows.runs
           WHERE ($1::text IS NULL OR workflow = $1) AND ($2::text IS NULL OR state = $2)
             AND ($3::text IS NULL OR fairness_key = $3) AND ($4::uuid IS NULL OR subject = $4)
             AND ($5::uuid IS NULL OR run_id < $5)
           ORDER BY run_id DESC LIMIT $6"#,
        filter.workflow.as_deref(),
        filter.state.map(RunState::as_str),
        filter.owner.as_deref(),
        filter.subject,
        paging.after,
        paging.fetch(),
    )
    .fetch_all(pool)
    .await?;
    let entries = rows.into_iter().map(Row::into_entry);
    Ok(paging.page(entries.collect(), |run| run.run_id))
}

/// One run.
pub async fn get(pool: &PgPool, run_id: Uuid) -> Result<RunEntry, AdminError> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT run_id, workflow, version, subject, fairness_key, priority,
                  state AS "state: RunState", created_at, ended_at,
                  result::text AS "result: Payload", paused_at, paused_by, pause_reason
           FROM workflows.runs WHERE run_id = $1"#,
        run_id,
    )
    .fetch_optional(pool)
    .await?
    .ok_or_else(|| not_found("run", run_id))?;
    Ok(row.into_entry())
}

/// A row of `runs`, as it is read.
struct Row {
    run_id: Uuid,
    workflow: String,
    version: i32,
    subject: Uuid,
    fairness_key: String,
    priority: i16,
    state: RunState,
    created_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    result: Option<Payload>,
    paused_at: Option<DateTime<Utc>>,
    paused_by: Option<String>,
    pause_reason: Option<String>,
}

impl Row {
    fn into_entry(self) -> RunEntry {
        RunEntry {
            run_id: self.run_id,
            workflow: self.workflow,
            version: self.version,
            subject: self.subject,
            owner: self.fairness_key,
            priority: self.priority,
            state: self.state,
            started_at: self.created_at,
            ended_at: self.ended_at,
            result: self.result,
            paused: Pause::from(self.paused_at, self.paused_by, self.pause_reason),
        }
    }
}
