//! What a worker holds of a task.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::define::ids::{FairnessHash, FanOutId, FencingToken, Rank, RunId, TaskId};
use crate::define::{lane::Lane, payload::Payload};

/// A task that a worker holds, with the token that proves it.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub task_id: TaskId,
    pub run_id: RunId,
    pub subject: Uuid,
    /// Workflow, version and step, and the queue in which this build runs it.
    pub lane: Lane,
    /// The hash of the run's fairness key.
    pub fairness_hash: FairnessHash,
    /// Orders the tasks of one key.
    pub rank: Rank,
    pub fan_out_id: Option<FanOutId>,
    pub child: Option<i32>,
    pub input: Payload,
    pub errors: i32,
    pub crashes: i32,
    pub interruptions: i32,
    /// In how many processes it was, among others, when they died.
    pub suspicion: i16,
    pub token: FencingToken,
    /// By the database's clock.
    pub started_at: DateTime<Utc>,
    /// Trace context of whatever started the run.
    pub trace_parent: Option<String>,
    /// How long the task was ready before it was claimed.
    pub waited: Duration,
}

impl Claim {
    /// The claim on the next step of the same task, by the worker that has just done this one.
    pub fn going_on(&self, next: &NewTask, token: FencingToken, started_at: DateTime<Utc>) -> Self {
        Self {
            lane: next.lane.clone(),
            input: next.input.clone(),
            errors: 0,
            crashes: 0,
            interruptions: 0,
            suspicion: 0,
            token,
            started_at,
            waited: Duration::ZERO,
            ..self.clone()
        }
    }

    /// Number of this attempt, from 1, whatever ended the earlier ones.
    pub fn attempt(&self) -> u32 {
        u32::try_from(self.errors + self.crashes + self.interruptions).unwrap_or(0) + 1
    }
}

/// A step to do.
#[derive(Debug, Clone)]
pub(crate) struct NewTask {
    pub lane: Lane,
    pub input: Payload,
    pub crash_limit: i32,
    /// How long the run sleeps before.
    pub sleep: Duration,
}
