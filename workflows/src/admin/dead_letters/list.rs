//! Reading letters. A list carries no payloads, and shows the beginning of each error.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::admin::{
    AdminError, Page, Paging, Payload,
    dead_letters::LetterFilter,
    explain::{Attempt, attempts_of},
    not_found,
    payload::Short,
};
use crate::protocol::state::{Cause, Resolution};

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
    pub fingerprint: String,
    /// When.
    pub died_at: DateTime<Utc>,
    /// What was decided about it. `None`: it is open.
    pub resolution: Option<Resolution>,
    /// When it was resolved.
    pub resolved_at: Option<DateTime<Utc>>,
    /// By whom.
    pub resolved_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// One death with all that is known of it.
#[derive(Debug, Clone)]
pub struct WholeLetter {
    /// In short.
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
    let letters = sqlx::query_as!(
        Row,
        r#"SELECT letter_id AS "letter_id!", run_id AS "run_id!", task_id AS "task_id!",
                  workflow AS "workflow!", version AS "version!", step AS "step!", child,
                  fairness_key AS "fairness_key!", errors AS "errors!", crashes AS "crashes!",
                  interruptions AS "interruptions!", cause AS "cause!: Cause",
                  left(error::text, 65536) AS "error!", fingerprint AS "fingerprint!",
                  died_at AS "died_at!", resolution AS "resolution: Resolution", resolved_at, resolved_by, reason
           FROM workflows.matching_letters($2, $3, $4, $5, $6, $7)
           WHERE ($1 OR resolved_at IS NULL) AND ($8::uuid IS NULL OR letter_id < $8)
           ORDER BY letter_id DESC LIMIT $9"#,
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
    let letters = letters.into_iter().map(Row::into_letter).collect();
    Ok(paging.page(letters, |letter: &DeadLetter| letter.letter_id))
}

/// One letter, and every attempt of its task.
pub async fn show(pool: &PgPool, letter_id: Uuid) -> Result<WholeLetter, AdminError> {
    let payloads = sqlx::query!(
        r#"SELECT input::text AS "input!: Payload", error::text AS "error!: Payload"
           FROM workflows.dead_letters WHERE letter_id = $1"#,
        letter_id,
    )
    .fetch_optional(pool)
    .await?
    .ok_or_else(|| not_found("dead letter", letter_id))?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT letter_id AS "letter_id!", run_id AS "run_id!", task_id AS "task_id!",
                  workflow AS "workflow!", version AS "version!", step AS "step!", child,
                  fairness_key AS "fairness_key!", errors AS "errors!", crashes AS "crashes!",
                  interruptions AS "interruptions!", cause AS "cause!: Cause",
                  left(error::text, 65536) AS "error!", fingerprint AS "fingerprint!",
                  died_at AS "died_at!", resolution AS "resolution: Resolution", resolved_at, resolved_by, reason
           FROM workflows.named_letters WHERE letter_id = $1"#,
        letter_id,
    )
    .fetch_optional(pool)
    .await?
    .ok_or_else(|| not_found("dead letter", letter_id))?;
    let letter = row.into_letter();
    Ok(WholeLetter {
        attempts: attempts_of(pool, letter.run_id, Some(letter.task_id)).await?,
        letter,
        input: payloads.input,
        error: payloads.error,
    })
}

/// A row of `dead_letters`, as it is read.
struct Row {
    letter_id: Uuid,
    run_id: Uuid,
    task_id: Uuid,
    workflow: String,
    version: i32,
    step: String,
    child: Option<i32>,
    fairness_key: String,
    errors: i32,
    crashes: i32,
    interruptions: i32,
    cause: Cause,
    error: String,
    fingerprint: String,
    died_at: DateTime<Utc>,
    resolution: Option<Resolution>,
    resolved_at: Option<DateTime<Utc>>,
    resolved_by: Option<String>,
    reason: Option<String>,
}

impl Row {
    fn into_letter(self) -> DeadLetter {
        let error = Short::of(&self.error);
        DeadLetter {
            letter_id: self.letter_id,
            run_id: self.run_id,
            task_id: self.task_id,
            workflow: self.workflow,
            version: self.version,
            step: self.step,
            child: self.child,
            owner: self.fairness_key,
            errors: self.errors,
            crashes: self.crashes,
            interruptions: self.interruptions,
            cause: self.cause,
            message: error.message,
            root_cause: error.root_cause,
            fingerprint: self.fingerprint,
            died_at: self.died_at,
            resolution: self.resolution,
            resolved_at: self.resolved_at,
            resolved_by: self.resolved_by,
            reason: self.reason,
        }
    }
}
