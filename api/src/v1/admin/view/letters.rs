//! Dead letters.

use poem_openapi::Object;
use serde_json::Value;
use uuid::Uuid;
use workflows::admin::dead_letters::{DeadLetter, Kind, LetterFilter, WholeLetter};

use super::AttemptView;
use crate::contract::{Count, Time};
use crate::v1::codes::{DeadLetterCause, DeadLetterResolution};

/// A task that failed for good.
#[derive(Debug, Object)]
#[oai(rename = "DeadLetter", skip_serializing_if_is_none)]
pub struct DeadLetterView {
    /// The letter. A task that is re-driven and dies again makes another.
    letter_id: Uuid,
    /// The run that the task belongs to.
    run_id: Uuid,
    /// Id of the task. It stays the same from step to step.
    task_id: Uuid,
    /// Name of the workflow, such as `ingest`.
    workflow: String,
    /// Version of the workflow.
    version: i32,
    /// Durable name of the step.
    step: String,
    /// The task's place among the children, for a child of a fan-out.
    child: Option<i32>,
    /// Whose run it is.
    owner: String,
    /// Attempts that ended in an error.
    #[oai(validator(minimum(value = "0")))]
    errors: i32,
    /// Attempts of which the process died.
    #[oai(validator(minimum(value = "0")))]
    crashes: i32,
    /// Attempts that a worker handed back, or lost without blame.
    #[oai(validator(minimum(value = "0")))]
    interruptions: i32,
    /// Why the task died.
    cause: DeadLetterCause,
    /// The last error's message, cut off after 500 characters.
    message: String,
    /// The message of its innermost cause, where that says something else; cut off as well.
    root_cause: Option<String>,
    /// The same for all dead letters with the same step, cause and error, apart from ids and numbers in it.
    fingerprint: String,
    /// When it died.
    died_at: Time,
    /// What became of it; absent while it is open.
    resolution: Option<DeadLetterResolution>,
    /// When it was resolved.
    resolved_at: Option<Time>,
    /// Key or operator that resolved it.
    resolved_by: Option<String>,
    /// Reason that was given.
    reason: Option<String>,
}

impl From<DeadLetter> for DeadLetterView {
    fn from(letter: DeadLetter) -> Self {
        Self {
            letter_id: letter.letter_id.0,
            run_id: letter.run_id.0,
            task_id: letter.task_id.0,
            workflow: letter.workflow,
            version: letter.version,
            step: letter.step,
            child: letter.child,
            owner: letter.fairness_key,
            errors: letter.errors,
            crashes: letter.crashes,
            interruptions: letter.interruptions,
            cause: letter.cause.into(),
            message: letter.message,
            root_cause: letter.root_cause,
            fingerprint: letter.fingerprint.0,
            died_at: letter.died_at.into(),
            resolution: letter.resolution.map(Into::into),
            resolved_at: letter.resolved_at.map(Into::into),
            resolved_by: letter.resolved_by,
            reason: letter.reason,
        }
    }
}

/// A dead letter with its payloads and its history.
#[derive(Debug, Object)]
#[oai(rename = "DeadLetterDetail")]
pub struct DeadLetterDetail {
    /// The dead letter, as lists show it.
    letter: DeadLetterView,
    /// What the step was given. As text, if it is nested too deep to be shown otherwise.
    input: Value,
    /// The last error, with its sources.
    error: Value,
    /// Every attempt of its task that ended, in order; the first thousand.
    attempts: Vec<AttemptView>,
}

impl From<WholeLetter> for DeadLetterDetail {
    fn from(whole: WholeLetter) -> Self {
        Self {
            letter: whole.letter.into(),
            input: whole.input.to_value(),
            error: whole.error.to_value(),
            attempts: whole.attempts.into_iter().map(Into::into).collect(),
        }
    }
}

/// Open dead letters of one kind.
#[derive(Debug, Object)]
#[oai(rename = "DeadLetterKind")]
pub struct KindView {
    /// What they have in common: the step, and what their errors say without what differs.
    fingerprint: String,
    /// Name of the workflow, such as `ingest`.
    workflow: String,
    /// Durable name of the step.
    step: String,
    /// Why these tasks died.
    cause: DeadLetterCause,
    /// Number of dead letters of this kind.
    letters: Count,
    /// When the first of them died.
    first_at: Time,
    /// When the last of them died.
    last_at: Time,
    /// The newest of them.
    example: Uuid,
    /// The message of that one's innermost cause, cut off after 500 characters.
    root_cause: String,
}

impl From<Kind> for KindView {
    fn from(kind: Kind) -> Self {
        Self {
            fingerprint: kind.fingerprint.0,
            workflow: kind.workflow,
            step: kind.step,
            cause: kind.cause.into(),
            letters: kind.letters.into(),
            first_at: kind.first_at.into(),
            last_at: kind.last_at.into(),
            example: kind.example.0,
            root_cause: kind.root_cause,
        }
    }
}

/// Which dead letters. What is left out does not matter; nothing at all means all of them.
#[derive(Debug, Default, Object)]
#[oai(
    rename = "DeadLetterFilter",
    deny_unknown_fields,
    skip_serializing_if_is_none
)]
pub struct LetterFilterView {
    /// Name of the workflow.
    #[oai(validator(max_length = 1000, pattern = r"^[^\x00]*$"), nullable)]
    workflow: Option<String>,
    /// Name of the step.
    #[oai(validator(max_length = 1000, pattern = r"^[^\x00]*$"), nullable)]
    step: Option<String>,
    /// The letters' fingerprint.
    #[oai(validator(max_length = 1000, pattern = r"^[^\x00]*$"), nullable)]
    fingerprint: Option<String>,
    /// Whose runs.
    #[oai(validator(max_length = 1000, pattern = r"^[^\x00]*$"), nullable)]
    owner: Option<String>,
    /// Only letters of tasks that died before this time.
    #[oai(nullable)]
    died_before: Option<Time>,
    /// Died at this time or later.
    #[oai(nullable)]
    died_since: Option<Time>,
}

impl From<LetterFilterView> for LetterFilter {
    fn from(filter: LetterFilterView) -> Self {
        Self {
            workflow: filter.workflow,
            step: filter.step,
            fingerprint: filter.fingerprint.map(Into::into),
            fairness_key: filter.owner,
            died_before: filter.died_before.map(Into::into),
            died_since: filter.died_since.map(Into::into),
        }
    }
}

impl From<LetterFilter> for LetterFilterView {
    fn from(filter: LetterFilter) -> Self {
        Self {
            workflow: filter.workflow,
            step: filter.step,
            fingerprint: filter.fingerprint.map(|fingerprint| fingerprint.0),
            owner: filter.fairness_key,
            died_before: filter.died_before.map(Into::into),
            died_since: filter.died_since.map(Into::into),
        }
    }
}
