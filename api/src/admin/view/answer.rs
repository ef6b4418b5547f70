//! Why a run is not running, as a type for each reason.

use chrono::{DateTime, Utc};
use poem_openapi::{Enum, Object, Union};
use uuid::Uuid;
use workflows::admin::explain;

use super::limits::HeldByLimit;
use super::tried::{Progress, Tried};
use crate::codes::RunState;
use crate::contract::Count;

/// Why a run or a task is not running, or who runs it. Branch on `code`.
#[derive(Debug, Union)]
#[oai(
    rename = "Answer",
    discriminator_name = "code",
    rename_all = "snake_case"
)]
pub enum Answer {
    /// It is running.
    Running(Running),
    /// Its worker is gone.
    WorkerLost(WorkerLost),
    /// The run is over.
    Ended(Ended),
    /// Somebody paused the run.
    RunPaused(RunPaused),
    /// It waits for somebody to re-drive or discard a dead letter.
    Dead(Dead),
    /// The next attempt is due later.
    WaitingForRetry(WaitingForRetry),
    /// An outside service that the step needs is down.
    DependencyDown(DependencyDown),
    /// Somebody paused the queue.
    QueuePaused(QueuePaused),
    /// No live worker can run the step.
    NoWorker(NoWorker),
    /// It was in a process that died.
    Suspect(Suspect),
    /// A limit over all workers holds it.
    HeldByLimit(HeldByLimit),
    /// Others go first.
    WaitingForSlot(WaitingForSlot),
}

/// A worker is at it.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Running {
    /// The step.
    step: String,
    /// The worker.
    worker: String,
    /// Version of the worker's program.
    build: String,
    /// Since when.
    since: DateTime<Utc>,
    /// Without a sign of life the task is taken from the worker then.
    lease_until: DateTime<Utc>,
    /// How far it is, if it has said so.
    progress: Option<Progress>,
    /// How it fared before.
    tried: Tried,
}

/// The worker that had it is gone, or has not renewed its lease in time.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct WorkerLost {
    /// The step.
    step: String,
    /// The worker.
    worker: String,
    /// Version of the worker's program.
    build: String,
    /// Since when it had the task.
    since: DateTime<Utc>,
    /// It is gone. Otherwise it seems to hang.
    gone: bool,
    /// Its last sign of life.
    seen_at: Option<DateTime<Utc>>,
    /// A worker is alive and takes the task within a second or two. Otherwise nobody is there to take it.
    taken_soon: bool,
}

/// The run is over.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Ended {
    /// How.
    state: RunState,
    /// When.
    at: Option<DateTime<Utc>>,
}

/// Somebody paused the run.
#[derive(Debug, Object)]
pub struct RunPaused {
    /// Who.
    by: String,
    /// Since when.
    at: DateTime<Utc>,
    /// Why.
    reason: String,
}

/// A task used up its attempts, and waits for somebody to re-drive or discard it.
#[derive(Debug, Object)]
pub struct Dead {
    /// The newest open dead letter.
    letter_id: Uuid,
    /// How many of the run are open.
    letters: Count,
    /// The step that died.
    step: String,
    /// Its last error.
    error: String,
}

/// It is due later: the last attempt failed, or it was started with a delay.
#[derive(Debug, Object)]
pub struct WaitingForRetry {
    /// The step.
    step: String,
    /// When the next attempt is due.
    due_at: DateTime<Utc>,
    /// How it fared.
    tried: Tried,
}

/// An outside service that the step needs is down. One task at a time tries whether it is back.
#[derive(Debug, Object)]
pub struct DependencyDown {
    /// The step.
    step: String,
    /// The service: `s3` or `clamd`.
    dependency: String,
    /// Since when it is down.
    since: DateTime<Utc>,
    /// What was said of it last.
    error: String,
    /// When the next task may try.
    probe_at: DateTime<Utc>,
}

/// Somebody paused the queue.
#[derive(Debug, Object)]
pub struct QueuePaused {
    /// The queue.
    queue: String,
    /// Who.
    by: String,
    /// Since when.
    at: DateTime<Utc>,
    /// Why.
    reason: String,
}

/// No worker that is alive can run this step.
#[derive(Debug, Object)]
pub struct NoWorker {
    /// The workflow.
    workflow: String,
    /// Its version.
    version: i32,
    /// The step.
    step: String,
    /// What is missing.
    lack: Lack,
    /// The queue of the step.
    queue: String,
}

/// What is missing for a step to be run.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case")]
pub enum Lack {
    /// No worker is alive at all.
    Workers,
    /// No live worker has the step in this version.
    Step,
    /// Live workers have the step, and none of them has a slot for its queue.
    Slots,
}

impl From<explain::Lack> for Lack {
    fn from(lack: explain::Lack) -> Self {
        match lack {
            explain::Lack::Workers => Self::Workers,
            explain::Lack::Step => Self::Step,
            explain::Lack::Slots => Self::Slots,
        }
    }
}

/// It was in a process that died, and is begun one at a time in each process: one of them may have killed it.
#[derive(Debug, Object)]
pub struct Suspect {
    /// The queue.
    queue: String,
    /// The step.
    step: String,
    /// Since when it is ready.
    since: DateTime<Utc>,
    /// Suspects of this step that go first, counted up to 10,000.
    ahead: Count,
}

/// It is ready, and others go first.
#[derive(Debug, Object)]
pub struct WaitingForSlot {
    /// The queue.
    queue: String,
    /// The step.
    step: String,
    /// Since when it is ready.
    since: DateTime<Utc>,
    /// Tasks of the same owner that go first, counted up to 10,000.
    ahead: Count,
    /// Owners that take turns at this step, counted up to 10,000.
    keys: Count,
}

impl From<explain::Answer> for Answer {
    #[rustfmt::skip] // A table: a line for each reason.
    fn from(answer: explain::Answer) -> Self {
        use explain::Answer as A;
        match answer {
            A::Running { step, worker, build, since, lease_until, progress, tried } =>
                Self::Running(Running {
                    step, worker, build, since, lease_until,
                    progress: progress.map(|progress| (*progress).into()), tried: tried.into(),
                }),
            A::WorkerLost { step, worker, build, since, gone, seen_at, taken_soon } =>
                Self::WorkerLost(WorkerLost { step, worker, build, since, gone, seen_at, taken_soon }),
            A::Ended { state, at } => Self::Ended(Ended { state: state.into(), at }),
            A::RunPaused { by, at, reason } => Self::RunPaused(RunPaused { by, at, reason }),
            A::Dead { letter_id, letters, step, error } =>
                Self::Dead(Dead { letter_id, letters: letters.into(), step, error }),
            A::WaitingForRetry { step, due_at, tried } =>
                Self::WaitingForRetry(WaitingForRetry { step, due_at, tried: tried.into() }),
            A::DependencyDown { step, dependency, since, error, probe_at } =>
                Self::DependencyDown(DependencyDown { step, dependency, since, error, probe_at }),
            A::QueuePaused { queue, by, at, reason } =>
                Self::QueuePaused(QueuePaused { queue, by, at, reason }),
            A::NoWorker { workflow, version, step, lack, queue } =>
                Self::NoWorker(NoWorker { workflow, version, step, lack: lack.into(), queue }),
            A::Suspect { queue, step, since, ahead } =>
                Self::Suspect(Suspect { queue, step, since, ahead: ahead.into() }),
            A::HeldByLimit { queue, step, since, held_by, limit, running, ahead } =>
                Self::HeldByLimit(HeldByLimit { queue, step, since, held_by: held_by.into(), limit: limit.into(), running: running.into(), ahead: ahead.into() }),
            A::WaitingForSlot { queue, step, since, ahead, keys } =>
                Self::WaitingForSlot(WaitingForSlot {
                    queue, step, since, ahead: ahead.into(), keys: keys.into(),
                }),
        }
    }
}
