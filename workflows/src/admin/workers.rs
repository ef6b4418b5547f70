//! Who is at work. A worker's rows say what it was; whether it lives, its presence lock says.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgPool;

use crate::{admin::AdminError, store::presence::PRESENCE};

/// One worker process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerEntry {
    /// Grows with each start of a process.
    pub worker_id: i64,
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
    let rows = rows(pool).await?;
    Ok(rows.into_iter().map(Row::into_entry).collect())
}

/// How many workers are alive.
pub async fn count_alive(pool: &PgPool) -> Result<u64, AdminError> {
    Ok(Fleet::muster(pool).await?.len() as u64)
}

struct Row {
    worker_id: i64,
    name: String,
    build: String,
    capabilities: Value,
    started_at: DateTime<Utc>,
    seen_at: DateTime<Utc>,
    lost_tasks: Option<i32>,
    tasks: i64,
    alive: bool,
}

impl Row {
    fn into_entry(self) -> WorkerEntry {
        let known = known(self.capabilities);
        let steps = known.into_iter().flat_map(|workflow| workflow.steps);
        let queues: BTreeMap<String, i64> = steps.map(|step| (step.queue, step.slots)).collect();
        WorkerEntry {
            worker_id: self.worker_id,
            name: self.name,
            build: self.build,
            started_at: self.started_at,
            seen_at: self.seen_at,
            alive: self.alive,
            tasks: self.tasks,
            lost_tasks: self.lost_tasks,
            queues: queues.into_iter().collect(),
        }
    }
}

async fn rows(pool: &PgPool) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT worker_id AS "worker_id!", name AS "name!", build AS "build!",
                  capabilities AS "capabilities!", started_at AS "started_at!", seen_at AS "seen_at!", lost_tasks,
                  coalesce(tasks, 0) AS "tasks!",
                  worker_id % 4294967296 IN (
                      SELECT objid::bigint FROM pg_locks
                      WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = $1::int::oid
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  ) AS "alive!"
           FROM workflows.live_workers
           LEFT JOIN (SELECT worker_id, count(*) AS tasks FROM workflows.leases GROUP BY worker_id) l
               USING (worker_id)
           ORDER BY worker_id DESC"#,
        PRESENCE,
    )
    .fetch_all(pool)
    .await
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
    alive: HashSet<i64>,
}

impl Fleet {
    /// Asks the locks who lives.
    pub async fn muster(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let mut rows = rows(pool).await?;
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

    pub fn has(&self, worker_id: i64) -> bool {
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
