//! Runs: list, cancel, hold, restart.

mod cancel;
mod hold;
mod restart;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::define::ids::RunId;
use crate::store::runs as stored;
use crate::{
    admin::{AdminError, Page, Paging, Pause, Payload, not_found},
    protocol::state::RunState,
};

pub(super) use cancel::end;
pub use cancel::{cancel, cancel_in};
pub use hold::{pause, pause_in, resume, resume_in};
pub use restart::{restart, restart_in};

/// One run, in short.
#[derive(Debug, Clone)]
pub struct RunEntry {
    /// Its id, which it keeps when it is started again.
    pub run_id: RunId,
    /// Durable name of its workflow.
    pub workflow: String,
    /// Version it was started with.
    pub version: i32,
    /// What it is about.
    pub subject: Uuid,
    /// Its fairness key.
    pub fairness_key: String,
    /// Minutes by which it counts as started later, as in [`Starter::priority`](crate::client::start::Starter::priority).
    pub priority: i16,
    /// Where it stands. A dead run has not ended.
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
    /// Runs in this state.
    pub state: Option<RunState>,
    /// Runs with this fairness key.
    pub fairness_key: Option<String>,
    /// What the run is about.
    pub subject: Option<Uuid>,
}

/// Runs, the newest first, without their results.
pub async fn list(
    pool: &PgPool,
    filter: &RunFilter,
    paging: Paging,
) -> Result<Page<RunEntry>, AdminError> {
    let filter = stored::Filter {
        workflow: filter.workflow.as_deref(),
        state: filter.state,
        fairness_key: filter.fairness_key.as_deref(),
        subject: filter.subject,
    };
    let rows = stored::list(pool, &filter, paging.after, paging.fetch()).await?;
    let entries = rows.into_iter().map(RunEntry::of);
    Ok(paging.page(entries.collect(), |run| run.run_id.0))
}

/// The run with this id, with its result.
pub async fn get(pool: &PgPool, run_id: RunId) -> Result<RunEntry, AdminError> {
    let row = stored::get(pool, run_id)
        .await?
        .ok_or_else(|| not_found("run", run_id))?;
    Ok(RunEntry::of(row))
}

impl RunEntry {
    fn of(row: stored::Row) -> Self {
        Self {
            run_id: row.run_id,
            workflow: row.workflow,
            version: row.version,
            subject: row.subject,
            fairness_key: row.fairness_key,
            priority: row.priority,
            state: row.state,
            started_at: row.created_at,
            ended_at: row.ended_at,
            result: row.result.map(Payload::stored),
            paused: Pause::from(row.paused_at, row.paused_by, row.pause_reason),
        }
    }
}
