//! Runs: list, cancel, pause, resume.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{AdminError, By, Page, Paging, Pause, audit, not_found};
use crate::{
    faults::Transaction,
    store::{self, commit::commit, lock, tasks},
};

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
    /// See [`crate::Starter::priority`].
    pub priority: i16,
    /// `running`, `succeeded`, `rejected`, `dead` (waits for a decision) or `cancelled`.
    pub state: String,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// When it ended, if it did.
    pub ended_at: Option<DateTime<Utc>>,
    /// The last step's output, why it was rejected, or who cancelled it.
    pub result: Option<Value>,
    /// Somebody holds it.
    pub paused: Option<Pause>,
}

/// Which runs. What is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Name of the workflow.
    pub workflow: Option<String>,
    /// A state of [`RunEntry::state`].
    pub state: Option<String>,
    /// Fairness key.
    pub owner: Option<String>,
    /// What the run is about.
    pub subject: Option<Uuid>,
}

/// Runs, the newest first.
pub async fn list(
    pool: &PgPool,
    filter: &RunFilter,
    paging: Paging,
) -> Result<Page<RunEntry>, AdminError> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT run_id, workflow, version, subject, fairness_key, priority, state, created_at, ended_at,
                result, paused_at, paused_by, pause_reason
         FROM workflows.runs
         WHERE ($1::text IS NULL OR workflow = $1) AND ($2::text IS NULL OR state = $2)
           AND ($3::text IS NULL OR fairness_key = $3) AND ($4::uuid IS NULL OR subject = $4)
           AND ($5::uuid IS NULL OR run_id < $5)
         ORDER BY run_id DESC LIMIT $6",
        filter.workflow.as_deref(),
        filter.state.as_deref(),
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
        "SELECT run_id, workflow, version, subject, fairness_key, priority, state, created_at, ended_at,
                result, paused_at, paused_by, pause_reason
         FROM workflows.runs WHERE run_id = $1",
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
    state: String,
    created_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    result: Option<Value>,
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

/// Ends a run now. Its tasks are gone when this returns; attempts under way can write nothing any
/// more and are stopped within a second.
pub async fn cancel(pool: &PgPool, run_id: Uuid, by: By<'_>) -> Result<(), AdminError> {
    by.check()?;
    let mut transaction = pool.begin().await?;
    let tx = &mut *transaction;
    live(tx, run_id).await?;
    let running = end(tx, run_id, by).await?;
    let details = json!({ "attempts_stopped": running });
    audit::record(tx, by, "run.cancel", run_id, details).await?;
    commit(transaction, &[Transaction::Cancel]).await?;
    tracing::info!(run.id = %run_id, actor = by.actor, "run cancelled");
    Ok(())
}

/// Takes all that is left of a locked run away and marks it cancelled.
pub(super) async fn end(
    tx: &mut PgConnection,
    run_id: Uuid,
    by: By<'_>,
) -> Result<i64, sqlx::Error> {
    let running = tasks::clear(tx, run_id, "discarded", (by.actor, by.reason)).await?;
    let result = json!({ "cancelled_by": by.actor, "reason": by.reason });
    sqlx::query!(
        "WITH told AS (SELECT pg_notify($3, $1::uuid::text))
         UPDATE workflows.runs SET state = 'cancelled', result = $2, ended_at = now()
         FROM told WHERE run_id = $1",
        run_id,
        result,
        store::CANCELLED,
    )
    .execute(tx)
    .await?;
    Ok(running)
}

/// Holds a run: what is under way ends its step, and nothing else of it begins.
pub async fn pause(pool: &PgPool, run_id: Uuid, by: By<'_>) -> Result<(), AdminError> {
    by.check()?;
    let mut transaction = pool.begin().await?;
    let tx = &mut *transaction;
    if live(tx, run_id).await?.is_some() {
        return Err(AdminError::Conflict("the run is paused already".to_owned()));
    }
    tasks::hold(tx, run_id).await?;
    sqlx::query!(
        "WITH held AS (SELECT * FROM workflows.tasks WHERE run_id = $1),
         no_longer_ready AS (
            DELETE FROM workflows.ready r USING held t
            WHERE (r.lane, r.key, r.rank, r.task_id) = (t.lane, t.key, t.rank, t.task_id)),
         no_longer_deferred AS (
            DELETE FROM workflows.deferred d USING held t WHERE d.task_id = t.task_id)
         UPDATE workflows.runs SET paused_at = now(), paused_by = $2, pause_reason = $3
         WHERE run_id = $1",
        run_id,
        by.actor,
        by.reason,
    )
    .execute(&mut *tx)
    .await?;
    audit::record(tx, by, "run.pause", run_id, json!({})).await?;
    commit(transaction, &[Transaction::Pause]).await?;
    Ok(())
}

/// Lets a paused run go on, retries at once.
pub async fn resume(pool: &PgPool, run_id: Uuid, by: By<'_>) -> Result<(), AdminError> {
    by.check()?;
    let mut transaction = pool.begin().await?;
    let tx = &mut *transaction;
    if live(tx, run_id).await?.is_none() {
        return Err(AdminError::Conflict("the run is not paused".to_owned()));
    }
    sqlx::query!(
        "UPDATE workflows.runs SET paused_at = NULL, paused_by = NULL, pause_reason = NULL
         WHERE run_id = $1",
        run_id,
    )
    .execute(&mut *tx)
    .await?;
    let waiting = sqlx::query_scalar!(
        "SELECT task_id FROM workflows.tasks t WHERE run_id = $1
         AND NOT EXISTS (SELECT FROM workflows.leases l WHERE l.task_id = t.task_id)",
        run_id,
    )
    .fetch_all(&mut *tx)
    .await?;
    let queues = tasks::make_ready(tx, &waiting).await?;
    store::notify(tx, &queues).await?;
    audit::record(tx, by, "run.resume", run_id, json!({})).await?;
    commit(transaction, &[Transaction::Resume]).await?;
    Ok(())
}

/// Locks a run that has not ended. Returns since when it is paused, if it is.
pub(super) async fn live(
    tx: &mut PgConnection,
    run_id: Uuid,
) -> Result<Option<DateTime<Utc>>, AdminError> {
    lock::runs(tx, &[run_id]).await?;
    let run = sqlx::query!(
        "SELECT state, paused_at FROM workflows.runs WHERE run_id = $1",
        run_id
    )
    .fetch_optional(tx)
    .await?
    .ok_or_else(|| not_found("run", run_id))?;
    match run.state.as_str() {
        "running" | "dead" => Ok(run.paused_at),
        ended => Err(AdminError::Conflict(format!(
            "the run has ended: it is {ended}"
        ))),
    }
}
