//! Dead letters: list, show, re-drive, discard.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{
    AdminError, By, Page, Paging, audit,
    explain::{Attempt, attempts_of},
    not_found,
    revive::{again, again_from, open},
    runs,
};
use crate::{faults::Transaction, store::commit::commit};

/// One death.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// The letter. A task that is re-driven and dies again makes another.
    pub letter_id: Uuid,
    /// The run that the task belongs to.
    pub run_id: Uuid,
    /// The task.
    pub task_id: Uuid,
    /// Durable name of the workflow.
    pub workflow: String,
    /// Version of the workflow.
    pub version: i32,
    /// Durable name of the step.
    pub step: String,
    /// Place among the children, for a child of a fan-out.
    pub child: Option<i32>,
    /// The run's fairness key.
    pub owner: String,
    /// What the step was given.
    pub input: Value,
    /// Attempts that ended in an error.
    pub errors: i32,
    /// Attempts under which the worker was lost.
    pub crashes: i32,
    /// Attempts that a worker handed back.
    pub interruptions: i32,
    /// Why it died: `errors`, `crashes`, `interruptions` (a limit was reached) or `failed` (the
    /// step said that no retry will help).
    pub cause: String,
    /// The last error, with its sources.
    pub error: Value,
    /// Alike for deaths of the same kind.
    pub fingerprint: String,
    /// When.
    pub died_at: DateTime<Utc>,
    /// `redriven`, `discarded`, `skipped` (the join went on without it), `obsolete` (the run ended
    /// otherwise), or `None`: open.
    pub resolution: Option<String>,
    /// When it was resolved.
    pub resolved_at: Option<DateTime<Utc>>,
    /// By whom.
    pub resolved_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// Which letters. What is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LetterFilter {
    /// Name of the workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// Name of the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// [`DeadLetter::fingerprint`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Fairness key of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Died before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died_before: Option<DateTime<Utc>>,
    /// Died at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died_since: Option<DateTime<Utc>>,
}

/// Letters, the newest first; open ones, or all.
pub async fn list(
    pool: &PgPool,
    filter: &LetterFilter,
    resolved_too: bool,
    paging: Paging,
) -> Result<Page<DeadLetter>, AdminError> {
    let letters = sqlx::query_as!(
        DeadLetter,
        "SELECT letter_id, run_id, task_id, workflow, version, step, child, fairness_key AS owner, input,
                errors, crashes, interruptions, cause, error, fingerprint, died_at,
                resolution, resolved_at, resolved_by, reason
         FROM workflows.dead_letters
         WHERE ($1 OR resolved_at IS NULL)
           AND ($2::text IS NULL OR workflow = $2) AND ($3::text IS NULL OR step = $3)
           AND ($4::text IS NULL OR fingerprint = $4) AND ($5::text IS NULL OR fairness_key = $5)
           AND ($6::timestamptz IS NULL OR died_at < $6) AND ($7::timestamptz IS NULL OR died_at >= $7)
           AND ($8::uuid IS NULL OR letter_id < $8)
         ORDER BY letter_id DESC LIMIT $9",
        resolved_too,
        filter.workflow.as_deref(),
        filter.step.as_deref(),
        filter.fingerprint.as_deref(),
        filter.owner.as_deref(),
        filter.died_before,
        filter.died_since,
        paging.after,
        paging.fetch(),
    )
    .fetch_all(pool)
    .await?;
    Ok(paging.page(letters, |letter| letter.letter_id))
}

/// One letter, and every attempt of its task.
pub async fn show(
    pool: &PgPool,
    letter_id: Uuid,
) -> Result<(DeadLetter, Vec<Attempt>), AdminError> {
    let letter = sqlx::query_as!(
        DeadLetter,
        "SELECT letter_id, run_id, task_id, workflow, version, step, child, fairness_key AS owner, input,
                errors, crashes, interruptions, cause, error, fingerprint, died_at,
                resolution, resolved_at, resolved_by, reason
         FROM workflows.dead_letters WHERE letter_id = $1",
        letter_id,
    )
    .fetch_optional(pool)
    .await?
    .ok_or_else(|| not_found("dead letter", letter_id))?;
    let attempts = attempts_of(pool, letter.run_id, Some(letter.task_id)).await?;
    Ok((letter, attempts))
}

/// Starts a dead task anew, with all its attempts; or its run from an earlier step that it has been
/// through, in which case whatever else the run was doing is stopped. A letter is re-driven once: the second
/// time is a [`AdminError::Conflict`].
pub async fn redrive(
    pool: &PgPool,
    letter_id: Uuid,
    from_step: Option<&str>,
    by: By<'_>,
) -> Result<(), AdminError> {
    by.check()?;
    let mut transaction = pool.begin().await?;
    let tx = &mut *transaction;
    let run_id = run_of(tx, letter_id).await?;
    let paused = runs::live(tx, run_id).await?.is_some();
    let letter = open(tx, letter_id).await?;
    match from_step {
        Some(step) if step != letter.step => again_from(tx, &letter, step, paused, by).await?,
        _ => again(tx, &letter, paused, by).await?,
    }
    let details = json!({ "run": run_id, "step": from_step.unwrap_or(&letter.step) });
    audit::record(tx, by, "dead_letter.redrive", letter_id, details).await?;
    commit(transaction, &[Transaction::Redrive]).await?;
    tracing::info!(run.id = %run_id, letter.id = %letter_id, actor = by.actor, "letter re-driven");
    Ok(())
}

/// Gives a dead task up, and with it its run, which is cancelled.
pub async fn discard(pool: &PgPool, letter_id: Uuid, by: By<'_>) -> Result<(), AdminError> {
    by.check()?;
    let mut transaction = pool.begin().await?;
    let tx = &mut *transaction;
    let run_id = run_of(tx, letter_id).await?;
    runs::live(tx, run_id).await?;
    open(tx, letter_id).await?;
    runs::end(tx, run_id, by).await?;
    let details = json!({ "run": run_id });
    audit::record(tx, by, "dead_letter.discard", letter_id, details).await?;
    commit(transaction, &[Transaction::Discard]).await?;
    tracing::info!(run.id = %run_id, letter.id = %letter_id, actor = by.actor, "letter discarded");
    Ok(())
}

async fn run_of(tx: &mut PgConnection, letter_id: Uuid) -> Result<Uuid, AdminError> {
    sqlx::query_scalar!(
        "SELECT run_id FROM workflows.dead_letters WHERE letter_id = $1",
        letter_id
    )
    .fetch_optional(tx)
    .await?
    .ok_or_else(|| not_found("dead letter", letter_id))
}
