//! Reading letters. A list carries no payloads, and shows the beginning of each error.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::define::ids::{Fingerprint, LetterId, RunId, TaskId};
use crate::{
    admin::{
        AdminError, Page, Paging, Payload,
        dead_letters::LetterFilter,
        explain::{Attempt, attempts_of},
        not_found,
        payload::Short,
    },
    protocol::state::{Cause, Resolution},
    store::letters,
};

/// One death of a task.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// The letter. A task that is re-driven and dies again makes another.
    pub letter_id: LetterId,
    /// The run that the task belongs to.
    pub run_id: RunId,
    /// The task. It keeps its id when it is re-driven.
    pub task_id: TaskId,
    /// Durable name of the workflow.
    pub workflow: String,
    /// Version of the workflow.
    pub version: i32,
    /// Durable name of the step.
    pub step: String,
    /// Place among the children, for a child of a fan-out.
    pub child: Option<i32>,
    /// The run's fairness key.
    pub fairness_key: String,
    /// Attempts that ended in an error.
    pub errors: i32,
    /// Attempts of which the process died.
    pub crashes: i32,
    /// Attempts that a worker handed back or lost without blame.
    pub interruptions: i32,
    /// Why it died.
    pub cause: Cause,
    /// The last error's message, cut off after 500 characters.
    pub message: String,
    /// The message of its innermost cause, where that says something else.
    pub root_cause: Option<String>,
    /// Alike for deaths of the same kind.
    pub fingerprint: Fingerprint,
    /// When it died.
    pub died_at: DateTime<Utc>,
    /// What was decided about it. `None`: it is open.
    pub resolution: Option<Resolution>,
    /// When it was resolved.
    pub resolved_at: Option<DateTime<Utc>>,
    /// The name of the actor who decided. `None` while it is open, and where no person did.
    pub resolved_by: Option<String>,
    /// The reason that the actor gave.
    pub reason: Option<String>,
}

/// One death with all that is known of it.
#[derive(Debug, Clone)]
pub struct WholeLetter {
    /// The letter, as lists have it.
    pub letter: DeadLetter,
    /// What the step was given.
    pub input: Payload,
    /// The last error, with its sources.
    pub error: Payload,
    /// Every attempt of the task.
    pub attempts: Vec<Attempt>,
}

/// Letters, the newest first; open ones, or all.
pub async fn list(
    pool: &PgPool,
    filter: &LetterFilter,
    resolved_too: bool,
    paging: Paging,
) -> Result<Page<DeadLetter>, AdminError> {
    let letters = letters::list(pool, filter, resolved_too, paging.after, paging.fetch()).await?;
    let letters = letters.into_iter().map(DeadLetter::of).collect();
    Ok(paging.page(letters, |letter: &DeadLetter| letter.letter_id.0))
}

/// One letter, and every attempt of its task.
pub async fn show(pool: &PgPool, letter_id: LetterId) -> Result<WholeLetter, AdminError> {
    let payloads = letters::payloads(pool, letter_id)
        .await?
        .ok_or_else(|| not_found("dead letter", letter_id))?;
    let row = letters::get(pool, letter_id)
        .await?
        .ok_or_else(|| not_found("dead letter", letter_id))?;
    let letter = DeadLetter::of(row);
    Ok(WholeLetter {
        attempts: attempts_of(pool, letter.run_id, Some(letter.task_id)).await?,
        letter,
        input: Payload::stored(payloads.input),
        error: Payload::stored(payloads.error),
    })
}

impl DeadLetter {
    fn of(row: letters::Row) -> Self {
        let error = Short::of(&row.error);
        Self {
            letter_id: row.letter_id,
            run_id: row.run_id,
            task_id: row.task_id,
            workflow: row.workflow,
            version: row.version,
            step: row.step,
            child: row.child,
            fairness_key: row.fairness_key,
            errors: row.errors,
            crashes: row.crashes,
            interruptions: row.interruptions,
            cause: row.cause,
            message: error.message,
            root_cause: error.root_cause,
            fingerprint: row.fingerprint,
            died_at: row.died_at,
            resolution: row.resolution,
            resolved_at: row.resolved_at,
            resolved_by: row.resolved_by,
            reason: row.reason,
        }
    }
}
