//! Runs, their tasks and attempts.

use poem_openapi::Object;
use serde_json::Value;
use uuid::Uuid;
use workflows::admin::explain::{Attempt, Explanation, TaskAnswer};
use workflows::admin::runs::RunEntry;
use workflows::admin::{Pause, Payload};

use super::Answer;
use crate::contract::Time;
use crate::v1::codes::{AttemptOutcome, RunState};

/// Who paused something, when and why.
#[derive(Debug, Object)]
#[oai(rename = "Pause")]
pub struct PauseView {
    /// When it was paused.
    at: Time,
    /// Key or operator that paused it.
    by: String,
    /// Reason that was given.
    reason: String,
}

impl From<Pause> for PauseView {
    fn from(Pause { at, by, reason }: Pause) -> Self {
        Self {
            at: at.into(),
            by,
            reason,
        }
    }
}

/// A run, in short.
#[derive(Debug, Object)]
#[oai(rename = "WorkflowRun", skip_serializing_if_is_none)]
pub struct RunEntryView {
    /// Id of the run.
    run_id: Uuid,
    /// Name of the workflow, such as `ingest`.
    workflow: String,
    /// The version of the workflow that it was started with.
    version: i32,
    /// What it is about: a file or an upload.
    subject: Uuid,
    /// Owner that the run belongs to.
    owner: String,
    /// Among the owner's runs it goes as if it had been started so many minutes later, or earlier if negative.
    priority: i16,
    /// State of the run.
    state: RunState,
    /// When it was started.
    started_at: Time,
    /// When it ended.
    ended_at: Option<Time>,
    /// The last step's output, why it was rejected, or who cancelled it and at which steps. Not in lists. As text, if
    /// it is nested too deep to be shown otherwise.
    result: Option<Value>,
    /// Who paused it, when and why. Absent while it is not paused.
    paused: Option<PauseView>,
}

impl From<RunEntry> for RunEntryView {
    fn from(run: RunEntry) -> Self {
        Self {
            run_id: run.run_id.0,
            workflow: run.workflow,
            version: run.version,
            subject: run.subject,
            owner: run.fairness_key,
            priority: run.priority,
            state: run.state.into(),
            started_at: run.started_at.into(),
            ended_at: run.ended_at.map(Into::into),
            result: run.result.as_ref().map(Payload::to_value),
            paused: run.paused.map(Into::into),
        }
    }
}

/// A run with the reason why it is not running, its tasks and its attempts.
#[derive(Debug, Object)]
#[oai(rename = "RunExplanation")]
pub struct ExplanationView {
    /// The run, as lists show it.
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
#[oai(rename = "WorkflowTask", skip_serializing_if_is_none)]
pub struct TaskView {
    /// Id of the task. It stays the same from step to step.
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
            task_id: task.task_id.0,
            step: task.step,
            child: task.child,
            answer: task.answer.into(),
        }
    }
}

/// An attempt that ended.
#[derive(Debug, Object)]
#[oai(rename = "TaskAttempt", skip_serializing_if_is_none)]
pub struct AttemptView {
    /// Its fencing token, a number of 64 bits; tokens grow.
    token: String,
    /// Id of the task. It stays the same from step to step.
    task_id: Uuid,
    /// Durable name of the step.
    step: String,
    /// The task's place among the children, for a child of a fan-out.
    child: Option<i32>,
    /// How the attempt ended.
    outcome: AttemptOutcome,
    /// The error or the rejection.
    error: Option<Value>,
    /// Name of the worker process that made the attempt.
    worker: Option<String>,
    /// Version of the worker's program.
    build: Option<String>,
    /// When it began.
    started_at: Time,
    /// When its end was written.
    ended_at: Time,
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        Self {
            token: attempt.token.to_string(),
            task_id: attempt.task_id.0,
            step: attempt.step,
            child: attempt.child,
            outcome: attempt.outcome.into(),
            error: attempt.error.as_ref().map(Payload::to_value),
            worker: attempt.worker,
            build: attempt.build,
            started_at: attempt.started_at.into(),
            ended_at: attempt.ended_at.into(),
        }
    }
}
