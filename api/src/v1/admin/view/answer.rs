//! Why a run is not running, as a type for each reason.

use poem_openapi::{Enum, Object, Union};
use uuid::Uuid;
use workflows::admin::explain;

use super::limits::HeldByLimit;
use super::tried::{Progress, Tried};
use crate::contract::{Count, Time};
use crate::v1::codes::RunState;

/// Why a run or a task is not running, or who runs it. Branch on `code`.
#[derive(Debug, Union)]
#[oai(
    rename = "RunStatus",
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
#[oai(rename = "RunStatusRunning", skip_serializing_if_is_none)]
pub struct Running {
    /// Durable name of the step.
    step: String,
    /// Name of the worker process.
    worker: String,
    /// Version of the worker's program.
    build: String,
    /// When the attempt began.
    since: Time,
    /// Until when the worker holds the task. Every sign of life prolongs it.
    lease_until: Time,
    /// How far it is, if it has said so.
    progress: Option<Progress>,
    /// Earlier attempts at the step.
    tried: Tried,
}

/// The worker that had it is gone, or has not renewed its lease in time.
#[derive(Debug, Object)]
#[oai(rename = "RunStatusWorkerLost", skip_serializing_if_is_none)]
pub struct WorkerLost {
    /// Durable name of the step.
    step: String,
    /// Name of the worker process.
    worker: String,
    /// Version of the worker's program.
    build: String,
    /// When the worker took the task.
    since: Time,
    /// It is gone. Otherwise it seems to hang.
    gone: bool,
    /// Its last sign of life.
    seen_at: Option<Time>,
    /// A worker is alive and takes the task within a second or two. Otherwise nobody is there to take it.
    taken_soon: bool,
}

/// The run is over.
#[derive(Debug, Object)]
#[oai(rename = "RunStatusEnded", skip_serializing_if_is_none)]
pub struct Ended {
    /// State in which the run ended.
    state: RunState,
    /// When the run ended.
    at: Option<Time>,
}

/// Somebody paused the run.
#[derive(Debug, Object)]
#[oai(rename = "RunStatusPaused")]
pub struct RunPaused {
    /// Key or operator that paused it.
    by: String,
    /// When it was paused.
    at: Time,
    /// Reason that was given.
    reason: String,
}

/// A task used up its attempts, and waits for somebody to re-drive or discard it.
#[derive(Debug, Object)]
#[oai(rename = "RunStatusDead")]
pub struct Dead {
    /// The newest open dead letter.
    letter_id: Uuid,
    /// Number of open dead letters of the run.
    letters: Count,
    /// The step that died.
    step: String,
    /// Error of the last attempt.
    error: String,
}

/// It is due later: the last attempt failed, or it was started with a delay.
#[derive(Debug, Object)]
#[oai(rename = "RunStatusWaitingForRetry")]
pub struct WaitingForRetry {
    /// Durable name of the step.
    step: String,
    /// When the next attempt is due.
    due_at: Time,
    /// Attempts at the step so far.
    tried: Tried,
}

/// An outside service that the step needs is down. One task at a time tries whether it is back.
#[derive(Debug, Object)]
#[oai(rename = "RunStatusDependencyDown")]
pub struct DependencyDown {
    /// Durable name of the step.
    step: String,
    /// The service: `s3` or `clamd`.
    dependency: String,
    /// When it was noticed that the service is down.
    since: Time,
    /// Error by which it was noticed last.
    error: String,
    /// When the next task may try.
    probe_at: Time,
}

/// Somebody paused the queue.
#[derive(Debug, Object)]
#[oai(rename = "RunStatusQueuePaused")]
pub struct QueuePaused {
    /// Name of the queue.
    queue: String,
    /// Key or operator that paused it.
    by: String,
    /// When it was paused.
    at: Time,
    /// Reason that was given.
    reason: String,
}

/// No worker that is alive can run this step.
#[derive(Debug, Object)]
#[oai(rename = "RunStatusNoWorker")]
pub struct NoWorker {
    /// Name of the workflow, such as `ingest`.
    workflow: String,
    /// Version of the workflow.
    version: i32,
    /// Durable name of the step.
    step: String,
    /// What is missing for a worker to take it.
    lack: Lack,
    /// The queue of the step.
    queue: String,
}

/// What is missing for a step to be run.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename = "NoWorkerReason", rename_all = "snake_case")]
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
#[oai(rename = "RunStatusSuspect")]
pub struct Suspect {
    /// Name of the queue.
    queue: String,
    /// Durable name of the step.
    step: String,
    /// Since when a worker could take it.
    since: Time,
    /// Suspects of this step that go first, counted up to 10,000.
    ahead: Count,
}

/// It is ready, and others go first.
#[derive(Debug, Object)]
#[oai(rename = "RunStatusWaitingForSlot")]
pub struct WaitingForSlot {
    /// Name of the queue.
    queue: String,
    /// Durable name of the step.
    step: String,
    /// Since when a worker could take it.
    since: Time,
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
                    step, worker, build, since: since.into(), lease_until: lease_until.into(),
                    progress: progress.map(|progress| (*progress).into()), tried: tried.into(),
                }),
            A::WorkerLost { step, worker, build, since, gone, seen_at, taken_soon } =>
                Self::WorkerLost(WorkerLost { step, worker, build, since: since.into(), gone, seen_at: seen_at.map(Into::into), taken_soon }),
            A::Ended { state, at } => Self::Ended(Ended { state: state.into(), at: at.map(Into::into) }),
            A::RunPaused { by, at, reason } => Self::RunPaused(RunPaused { by, at: at.into(), reason }),
            A::Dead { letter_id, letters, step, error } =>
                Self::Dead(Dead { letter_id: letter_id.0, letters: letters.into(), step, error }),
            A::WaitingForRetry { step, due_at, tried } =>
                Self::WaitingForRetry(WaitingForRetry { step, due_at: due_at.into(), tried: tried.into() }),
            A::DependencyDown { step, dependency, since, error, probe_at } =>
                Self::DependencyDown(DependencyDown { step, dependency, since: since.into(), error, probe_at: probe_at.into() }),
            A::QueuePaused { queue, by, at, reason } =>
                Self::QueuePaused(QueuePaused { queue, by, at: at.into(), reason }),
            A::NoWorker { workflow, version, step, lack, queue } =>
                Self::NoWorker(NoWorker { workflow, version, step, lack: lack.into(), queue }),
            A::Suspect { queue, step, since, ahead } =>
                Self::Suspect(Suspect { queue, step, since: since.into(), ahead: ahead.into() }),
            A::HeldByLimit { queue, step, since, held_by, limit, running, ahead } =>
                Self::HeldByLimit(HeldByLimit { queue, step, since: since.into(), held_by: held_by.into(), limit: limit.into(), running: running.into(), ahead: ahead.into() }),
            A::WaitingForSlot { queue, step, since, ahead, keys } =>
                Self::WaitingForSlot(WaitingForSlot {
                    queue, step, since: since.into(), ahead: ahead.into(), keys: keys.into(),
                }),
        }
    }
}
