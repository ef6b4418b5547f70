//! Who is at work. A worker's rows say what it was; whether it lives, its presence lock says.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgPool;

use crate::define::ids::WorkerId;
use crate::store::error::StoreError;
use crate::{
    admin::AdminError,
    store::{workers as store, workers::Row},
};

/// One worker process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerEntry {
    /// Number of the process. Processes that began later have greater ones.
    pub worker_id: WorkerId,
    /// Its name, for people.
    pub name: String,
    /// Version of its program.
    pub build: String,
    /// Since when it is there.
    pub started_at: DateTime<Utc>,
    /// Its last sign of life in its row, which is not written at each heartbeat.
    pub seen_at: DateTime<Utc>,
    /// It holds its presence lock. Others take its tasks within a second or two of losing it.
    pub alive: bool,
    /// Tasks that it works on, or that are still to be taken from it.
    pub tasks: i64,
    /// Tasks that it had when it was found to be gone, if it was.
    pub lost_tasks: Option<i32>,
    /// Its queues, by name, and how many tasks of each run at once.
    pub queues: Vec<(String, i64)>,
}

/// Every worker that has not left, the newest first.
pub async fn list(pool: &PgPool) -> Result<Vec<WorkerEntry>, AdminError> {
    let rows = store::list(pool).await?;
    Ok(rows.into_iter().map(WorkerEntry::of).collect())
}

/// How many workers are alive.
pub async fn count_alive(pool: &PgPool) -> Result<u64, AdminError> {
    Ok(Fleet::muster(pool).await?.len() as u64)
}

impl WorkerEntry {
    fn of(worker: Row) -> Self {
        let known = known(worker.capabilities);
        let steps = known.into_iter().flat_map(|workflow| workflow.steps);
        let queues: BTreeMap<String, i64> = steps.map(|step| (step.queue, step.slots)).collect();
        Self {
            worker_id: worker.worker_id,
            name: worker.name,
            build: worker.build,
            started_at: worker.started_at,
            seen_at: worker.seen_at,
            alive: worker.alive,
            tasks: worker.tasks,
            lost_tasks: worker.lost_tasks,
            queues: queues.into_iter().collect(),
        }
    }
}

/// An entry of `workers.capabilities`.
#[derive(Debug, Deserialize)]
struct Known {
    workflow: String,
    version: i32,
    steps: Vec<KnownStep>,
}

#[derive(Debug, Deserialize)]
struct KnownStep {
    step: String,
    queue: String,
    slots: i64,
    #[serde(default)]
    needs: Vec<String>,
    /// Builds from before it was written down do not say it.
    attempts: Option<u32>,
}

/// A worker whose entry says nothing that we understand knows nothing.
fn known(capabilities: Value) -> Vec<Known> {
    serde_json::from_value(capabilities).unwrap_or_default()
}

/// Where a live worker runs a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placement {
    pub queue: String,
    pub slots: i64,
    /// Outside services that the step needs.
    pub needs: Vec<String>,
    /// Failures with which the step dies.
    pub attempts: Option<u32>,
}

/// The live workers and what they know, the newest first.
pub(super) struct Fleet {
    workers: Vec<Vec<Known>>,
    alive: HashSet<WorkerId>,
}

impl Fleet {
    /// Asks the locks who lives.
    pub async fn muster(pool: &PgPool) -> Result<Self, StoreError> {
        let mut rows = store::list(pool).await?;
        rows.retain(|worker| worker.alive);
        Ok(Self {
            alive: rows.iter().map(|worker| worker.worker_id).collect(),
            workers: rows
                .into_iter()
                .map(|worker| known(worker.capabilities))
                .collect(),
        })
    }

    pub fn is_empty(&self) -> bool {
        self.alive.is_empty()
    }

    pub fn has(&self, worker_id: WorkerId) -> bool {
        self.alive.contains(&worker_id)
    }

    /// In which queue each worker that has this step runs it.
    pub fn placements(&self, workflow: &str, version: i32, step: &str) -> Vec<Placement> {
        let known = self.workers.iter().flatten();
        known
            .filter(|known| known.workflow == workflow && known.version == version)
            .flat_map(|known| known.steps.iter().filter(|known| known.step == step))
            .map(|known| Placement {
                queue: known.queue.clone(),
                slots: known.slots,
                needs: known.needs.clone(),
                attempts: known.attempts,
            })
            .collect()
    }

    /// How many are alive.
    pub fn len(&self) -> usize {
        self.alive.len()
    }

    /// The outside services that the steps of a queue need, of all builds at work.
    pub fn needs_of(&self, queue: &str) -> BTreeSet<&str> {
        let known = self.workers.iter().flatten();
        let steps = known.flat_map(|known| &known.steps);
        let steps = steps.filter(|step| step.queue == queue);
        steps
            .flat_map(|step| step.needs.iter().map(String::as_str))
            .collect()
    }

    /// The queue of a step, as the newest worker that has it runs it; or as the database has it.
    pub fn queue_of(&self, workflow: &str, version: i32, step: &str, otherwise: &str) -> String {
        let mut placements = self.placements(workflow, version, step).into_iter();
        let newest = placements.next().map(|placement| placement.queue);
        newest.unwrap_or_else(|| otherwise.to_owned())
    }

    /// How many tasks of each queue run at once, in all workers together.
    pub fn slots(&self) -> BTreeMap<&str, i64> {
        let mut slots = BTreeMap::new();
        for worker in &self.workers {
            let steps = worker.iter().flat_map(|known| &known.steps);
            let queues: BTreeMap<&str, i64> = steps
                .map(|step| (step.queue.as_str(), step.slots))
                .collect();
            for (queue, more) in queues {
                *slots.entry(queue).or_default() += more;
            }
        }
        slots
    }
}
