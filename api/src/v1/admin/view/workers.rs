//! Worker processes.

use poem_openapi::Object;
use workflows::admin::workers::WorkerEntry;

use crate::contract::{Count, Time};

/// A worker process that has not left.
#[derive(Debug, Object)]
#[oai(rename = "Worker", skip_serializing_if_is_none)]
pub struct WorkerView {
    /// Grows with each start of a process.
    worker_id: Count,
    /// Its name, for people.
    name: String,
    /// Version of its program.
    build: String,
    /// It is there: it holds its presence lock. Others take the tasks of one that is gone within a second or two.
    alive: bool,
    /// Since when it is there.
    started_at: Time,
    /// Its last sign of life in its row, which is not written at each heartbeat.
    seen_at: Time,
    /// Tasks that it works on, or that are still to be taken from it.
    tasks: Count,
    /// Tasks that it had when it was found to be gone; absent if it was not.
    lost_tasks: Option<i32>,
    /// Its queues, by name.
    queues: Vec<WorkerQueue>,
}

/// A queue of a worker.
#[derive(Debug, Object)]
pub struct WorkerQueue {
    /// Name of the queue.
    queue: String,
    /// How many of its tasks the worker runs at once.
    slots: Count,
}

impl From<WorkerEntry> for WorkerView {
    fn from(worker: WorkerEntry) -> Self {
        let queues = worker.queues.into_iter();
        Self {
            worker_id: worker.worker_id.0.into(),
            name: worker.name,
            build: worker.build,
            alive: worker.alive,
            started_at: worker.started_at.into(),
            seen_at: worker.seen_at.into(),
            tasks: worker.tasks.into(),
            lost_tasks: worker.lost_tasks,
            queues: queues
                .map(|(queue, slots)| WorkerQueue {
                    queue,
                    slots: slots.into(),
                })
                .collect(),
        }
    }
}
