//! Runs, their tasks and attempts.

use chrono::{DateTime, Utc};
use poem_openapi::Object;
use serde_json::Value;
use uuid::Uuid;
use workflows::admin::explain::{Attempt, Explanation, TaskAnswer};
use workflows::admin::runs::RunEntry;
use workflows::admin::{Pause, Payload};

use super::Answer;
use crate::codes::{AttemptOutcome, RunState};

/// Somebody holds it.
#[derive(Debug, Object)]
#[oai(rename = "Pause")]
pub struct PauseView {
    /// Since when.
    at: DateTime<Utc>,
    /// Who.
    by: String,
    /// Why.
    reason: String,
}

impl From<Pause> for PauseView {
    fn from(Pause { at, by, reason }: Pause) -> Self {
        Self { at, by, reason }
    }
}

/// A run, in short.
#[derive(Debug, Object)]
#[oai(rename = "RunEntry", skip_serializing_if_is_none)]
pub struct RunEntryView {
    /// The run.
    run_id: Uuid,
    /// Its workflow.
    workflow: String,
    /// The version of the workflow that it was started with.
    version: i32,
    /// What it is about: a file or an upload.
    subject: Uuid,
    /// Whose it is.
    owner: String,
    /// Among the owner's runs it goes as if it had been started so many minutes later, or earlier if negative.
    priority: i16,
    /// How it stands.
    state: RunState,
    /// When it was started.
    started_at: DateTime<Utc>,
    /// When it ended.
    ended_at: Option<DateTime<Utc>>,
    /// The last step's output, why it was rejected, or who cancelled it and at which steps. Not in lists. As text, if
    /// it is nested too deep to be shown otherwise.
    result: Option<Value>,
    /// Somebody holds it.
    paused: Option<PauseView>,
}

impl From<RunEntry> for RunEntryView {
    fn from(run: RunEntry) -> Self {
        Self {
            run_id: run.run_id,
            workflow: run.workflow,
            version: run.version,
            subject: run.subject,
            owner: run.owner,
            priority: run.priority,
            state: run.state.into(),
            started_at: run.started_at,
            ended_at: run.ended_at,
            result: run.result.as_ref().map(Payload::to_value),
            paused: run.paused.map(Into::into),
        }
    }
}

/// A run explained.
#[derive(Debug, Object)]
#[oai(rename = "Explanation")]
pub struct ExplanationView {
    /// The run.
    run: RunEntryView,
    /// The one answer: what it waits for, or who works on it.
    answer: Answer,
    /// Every task of it that is not over, with an answer of its own; the first 200.
    tasks: Vec<TaskView>,
    /// Every attempt that ended, in order; the first thousand.
    timeline: Vec<AttemptView>,
}

impl From<Explanation> for ExplanationView {
    fn from(explanation: Explanation) -> Self {
        Self {
            run: explanation.run.into(),
            answer: explanation.answer.into(),
            tasks: explanation.tasks.into_iter().map(Into::into).collect(),
            timeline: explanation.timeline.into_iter().map(Into::into).collect(),
        }
    }
}

/// A place in a run at which work goes on or waits.
#[derive(Debug, Object)]
#[oai(rename = "Task", skip_serializing_if_is_none)]
pub struct TaskView {
    /// The task.
    task_id: Uuid,
    /// The step it is at.
    step: String,
    /// Its place among the children, for a child of a fan-out.
    child: Option<i32>,
    /// Why it is not running, or who runs it.
    answer: Answer,
}

impl From<TaskAnswer> for TaskView {
    fn from(task: TaskAnswer) -> Self {
        Self {
            task_id: task.task_id,
            step: task.step,
            child: task.child,
            answer: task.answer.into(),
        }
    }
}

/// An attempt that ended.
#[derive(Debug, Object)]
#[oai(rename = "Attempt", skip_serializing_if_is_none)]
pub struct AttemptView {
    /// Its fencing token, a number of 64 bits; tokens grow.
    token: String,
    /// The task.
    task_id: Uuid,
    /// The step.
    step: String,
    /// The task's place among the children, for a child of a fan-out.
    child: Option<i32>,
    /// How it ended.
    outcome: AttemptOutcome,
    /// The error or the rejection.
    error: Option<Value>,
    /// The worker.
    worker: Option<String>,
    /// Version of the worker's program.
    build: Option<String>,
    /// When it began.
    started_at: DateTime<Utc>,
    /// When its end was written.
    ended_at: DateTime<Utc>,
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        Self {
            token: attempt.token.to_string(),
            task_id: attempt.task_id,
            step: attempt.step,
            child: attempt.child,
            outcome: attempt.outcome.into(),
            error: attempt.error.as_ref().map(Payload::to_value),
            worker: attempt.worker,
            build: attempt.build,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
        }
    }
}
