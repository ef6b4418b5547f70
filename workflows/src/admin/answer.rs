//! The answers to "why is it not running?".

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::define::ids::{LetterId, TaskId};
use crate::{
    admin::{
        Pause,
        limits::{HeldBy, Limit},
    },
    protocol::state::RunState,
};

/// One live task.
#[derive(Debug, Clone)]
pub struct TaskAnswer {
    /// The task. Of a run with a fan-out there are several.
    pub task_id: TaskId,
    /// The step it is at.
    pub step: String,
    /// Place among the children, for a child of a fan-out.
    pub child: Option<i32>,
    /// Why it is not running, or who runs it.
    pub answer: Answer,
}

/// Why something is not running.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Answer {
    /// A worker is at it.
    Running {
        /// Durable name of the step.
        step: String,
        /// Name of the worker.
        worker: String,
        /// Version of the worker's program.
        build: String,
        /// When the attempt began, by the database's clock.
        since: DateTime<Utc>,
        /// Without a sign of life the task is taken from the worker then.
        lease_until: DateTime<Utc>,
        /// How far it is, if it has said so.
        #[serde(skip_serializing_if = "Option::is_none")]
        progress: Option<Box<Progress>>,
        /// How it fared before.
        tried: Tried,
    },
    /// The worker that had it is gone, or has not renewed its lease in time.
    WorkerLost {
        /// Durable name of the step.
        step: String,
        /// Name of the worker.
        worker: String,
        /// Version of the worker's program.
        build: String,
        /// Since when it had the task.
        since: DateTime<Utc>,
        /// It is gone: nobody holds its presence lock. Otherwise it seems to hang.
        gone: bool,
        /// Its last sign of life.
        seen_at: Option<DateTime<Utc>>,
        /// Another worker lives and takes the task within a second or two. Otherwise nobody is there
        /// to take it.
        taken_soon: bool,
    },
    /// The run is over.
    Ended {
        /// The state in which it ended.
        state: RunState,
        /// When it ended.
        at: Option<DateTime<Utc>>,
    },
    /// Somebody paused the run.
    RunPaused {
        /// The actor's name, as in the audit.
        by: String,
        /// When it was paused.
        at: DateTime<Utc>,
        /// The reason that the actor gave.
        reason: String,
    },
    /// A task used up its attempts and waits for somebody to re-drive or discard it.
    Dead {
        /// The newest open letter.
        letter_id: LetterId,
        /// Open letters of this run.
        letters: i64,
        /// The step that died.
        step: String,
        /// Its last error.
        error: String,
    },
    /// It is due later: the last attempt failed, or it was started with a delay.
    WaitingForRetry {
        /// Durable name of the step.
        step: String,
        /// When it becomes claimable.
        due_at: DateTime<Utc>,
        /// How it fared.
        tried: Tried,
    },
    /// An outside service that the step needs is down. One task at a time tries whether it is back.
    DependencyDown {
        /// Durable name of the step.
        step: String,
        /// The service, by the name under which steps need it.
        dependency: String,
        /// Since when it is down.
        since: DateTime<Utc>,
        /// What was said of it last.
        error: String,
        /// When the next task may try.
        probe_at: DateTime<Utc>,
    },
    /// Somebody paused the queue.
    QueuePaused {
        /// Name of the queue.
        queue: String,
        /// The actor's name, as in the audit.
        by: String,
        /// When it was paused.
        at: DateTime<Utc>,
        /// The reason that the actor gave.
        reason: String,
    },
    /// No live worker can run this step.
    NoWorker {
        /// Durable name of the workflow.
        workflow: String,
        /// The version that the run was started with.
        version: i32,
        /// Durable name of the step.
        step: String,
        /// What is missing.
        lack: Lack,
        /// The queue of the step, as a live worker or the newest build has it.
        queue: String,
    },
    /// It was in a process that died, and is claimed one at a time in each process: one of them may
    /// have killed it.
    Suspect {
        /// Name of the queue.
        queue: String,
        /// Durable name of the step.
        step: String,
        /// Since when it is ready.
        since: DateTime<Utc>,
        /// Suspects of this step that go first, counted up to 10,000.
        ahead: i64,
    },
    /// It is ready, and a limit over all processes holds it.
    HeldByLimit {
        /// Name of the queue.
        queue: String,
        /// Durable name of the step.
        step: String,
        /// Since when it is ready.
        since: DateTime<Utc>,
        /// What is used up.
        held_by: HeldBy,
        /// The limit of the queue.
        limit: Limit,
        /// Tasks of the queue that run.
        running: i64,
        /// Tasks of the same key that go first, counted up to 10,000.
        ahead: i64,
    },
    /// It is ready and others go first.
    WaitingForSlot {
        /// Name of the queue.
        queue: String,
        /// Durable name of the step.
        step: String,
        /// Since when it is ready.
        since: DateTime<Utc>,
        /// Tasks of the same key that go first, counted up to 10,000.
        ahead: i64,
        /// Keys that take turns at this step, counted up to 10,000.
        keys: i64,
    },
}

/// How far a step is, by its own word.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Progress {
    /// From 0 to 1.
    pub done: f64,
    /// In the step's words.
    pub note: String,
    /// When it said so.
    pub at: DateTime<Utc>,
}

/// How the attempts at a step went so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// Attempts that failed so far.
    pub errors: i32,
    /// Failures with which it gives up, if a live worker knows the step.
    pub attempts: Option<u32>,
    /// The last error, with what caused it.
    pub error: Option<String>,
}

/// What is missing for a step to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// No worker is alive at all.
    Workers,
    /// No live worker has the step in this version.
    Step,
    /// Live workers have the step, and none of them has a slot for its queue.
    Slots,
}

impl From<&Pause> for Answer {
    /// The pause of a run.
    fn from(pause: &Pause) -> Self {
        Self::RunPaused {
            by: pause.by.clone(),
            at: pause.at,
            reason: pause.reason.clone(),
        }
    }
}
