//! Dead letters, and re-drives of many.

use chrono::{DateTime, Utc};
use poem_openapi::Object;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;
use workflows::admin::dead_letters::{DeadLetter, LetterFilter};
use workflows::admin::explain::Attempt;
use workflows::admin::redrive::Redrive;

use super::AttemptView;

/// A task that failed for good.
#[derive(Debug, Object)]
#[oai(rename = "DeadLetter", skip_serializing_if_is_none)]
pub struct DeadLetterView {
    /// The letter. A task that is re-driven and dies again makes another.
    letter_id: Uuid,
    /// The run that the task belongs to.
    run_id: Uuid,
    /// The task.
    task_id: Uuid,
    /// The workflow.
    workflow: String,
    /// Its version.
    version: i32,
    /// The step.
    step: String,
    /// The task's place among the children, for a child of a fan-out.
    child: Option<i32>,
    /// Whose run it is.
    owner: String,
    /// What the step was given.
    input: Value,
    /// Attempts that ended in an error.
    #[oai(validator(minimum(value = "0")))]
    errors: i32,
    /// Attempts under which the worker was lost.
    #[oai(validator(minimum(value = "0")))]
    crashes: i32,
    /// Attempts that a worker handed back.
    #[oai(validator(minimum(value = "0")))]
    interruptions: i32,
    /// Why it died: `errors`, `crashes`, `interruptions` (a limit was reached) or `failed` (no retry would help).
    cause: String,
    /// The last error, with its sources.
    error: Value,
    /// Alike for deaths of the same kind.
    fingerprint: String,
    /// When it died.
    died_at: DateTime<Utc>,
    /// `redriven`, `discarded`, `skipped` (the run went on without it) or `obsolete` (the run ended otherwise); absent
    /// while it is open.
    resolution: Option<String>,
    /// When it was resolved.
    resolved_at: Option<DateTime<Utc>>,
    /// Who resolved it.
    resolved_by: Option<String>,
    /// Why.
    reason: Option<String>,
}

impl From<DeadLetter> for DeadLetterView {
    fn from(letter: DeadLetter) -> Self {
        Self {
            letter_id: letter.letter_id,
            run_id: letter.run_id,
            task_id: letter.task_id,
            workflow: letter.workflow,
            version: letter.version,
            step: letter.step,
            child: letter.child,
            owner: letter.owner,
            input: letter.input,
            errors: letter.errors,
            crashes: letter.crashes,
            interruptions: letter.interruptions,
            cause: letter.cause,
            error: letter.error,
            fingerprint: letter.fingerprint,
            died_at: letter.died_at,
            resolution: letter.resolution,
            resolved_at: letter.resolved_at,
            resolved_by: letter.resolved_by,
            reason: letter.reason,
        }
    }
}

/// A dead letter with its history.
#[derive(Debug, Object)]
#[oai(rename = "DeadLetterDetail")]
pub struct DeadLetterDetail {
    /// The letter.
    letter: DeadLetterView,
    /// Every attempt of its task that ended, in order; the first thousand.
    attempts: Vec<AttemptView>,
}

impl From<(DeadLetter, Vec<Attempt>)> for DeadLetterDetail {
    fn from((letter, attempts): (DeadLetter, Vec<Attempt>)) -> Self {
        Self {
            letter: letter.into(),
            attempts: attempts.into_iter().map(Into::into).collect(),
        }
    }
}

/// Which dead letters. What is left out does not matter; nothing at all means all of them.
#[derive(Debug, Default, Deserialize, Object)]
#[oai(
    rename = "DeadLetterFilter",
    deny_unknown_fields,
    skip_serializing_if_is_none
)]
#[serde(deny_unknown_fields)]
pub struct LetterFilterView {
    /// Name of the workflow.
    #[oai(nullable)]
    workflow: Option<String>,
    /// Name of the step.
    #[oai(nullable)]
    step: Option<String>,
    /// The letters' fingerprint.
    #[oai(nullable)]
    fingerprint: Option<String>,
    /// Whose runs.
    #[oai(nullable)]
    owner: Option<String>,
    /// Died before.
    #[oai(nullable)]
    died_before: Option<DateTime<Utc>>,
    /// Died at this time or later.
    #[oai(nullable)]
    died_since: Option<DateTime<Utc>>,
}

impl From<LetterFilterView> for LetterFilter {
    fn from(filter: LetterFilterView) -> Self {
        Self {
            workflow: filter.workflow,
            step: filter.step,
            fingerprint: filter.fingerprint,
            owner: filter.owner,
            died_before: filter.died_before,
            died_since: filter.died_since,
        }
    }
}

impl From<LetterFilter> for LetterFilterView {
    fn from(filter: LetterFilter) -> Self {
        Self {
            workflow: filter.workflow,
            step: filter.step,
            fingerprint: filter.fingerprint,
            owner: filter.owner,
            died_before: filter.died_before,
            died_since: filter.died_since,
        }
    }
}

/// A re-drive of many dead letters, and how far it is.
#[derive(Debug, Object)]
#[oai(rename = "Redrive", skip_serializing_if_is_none)]
pub struct RedriveView {
    /// The re-drive.
    redrive_id: Uuid,
    /// Which letters.
    filter: LetterFilterView,
    /// How many a second.
    per_second: f64,
    /// How many at most.
    cap: i32,
    /// Who asked for it.
    actor: String,
    /// Why.
    reason: String,
    /// Letters that matched when it was asked for.
    matched: i64,
    /// Letters re-driven so far.
    redriven: i32,
    /// When it was asked for. Letters that died later are left alone.
    created_at: DateTime<Utc>,
    /// When it was done or stopped; absent while it goes on.
    ended_at: Option<DateTime<Utc>>,
}

impl From<Redrive> for RedriveView {
    fn from(redrive: Redrive) -> Self {
        Self {
            redrive_id: redrive.redrive_id,
            filter: redrive.filter.into(),
            per_second: redrive.per_second,
            cap: redrive.cap,
            actor: redrive.actor,
            reason: redrive.reason,
            matched: redrive.matched,
            redriven: redrive.redriven,
            created_at: redrive.created_at,
            ended_at: redrive.ended_at,
        }
    }
}

/// How many dead letters a re-drive would take.
#[derive(Debug, Object)]
pub struct RedriveCount {
    /// Open letters that match.
    #[oai(validator(minimum(value = "0")))]
    pub matched: i64,
}
