//! Queues: list, pause, resume. A pause is kept in the database, so it outlives deploys.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::define::ids::LaneId;
use crate::store::error::StoreError;
use crate::{
    admin::{
        Actor, AdminError, Breaker, Conflict, Hints, Pause, breakers, check_reason,
        hints::{begin, finish},
        not_found,
        workers::Fleet,
    },
    protocol::failpoints::Failpoint,
    store::{audit, queues},
};

/// A queue that builds or operators know.
#[derive(Debug, Clone)]
pub struct QueueEntry {
    /// Its name, as steps give it.
    pub queue: String,
    /// Workflows, with version, that have steps in it.
    pub workflows: Vec<String>,
    /// Claimable tasks, counted up to [`COUNTED`] a step.
    pub ready: i64,
    /// Those among them that were in a process when it died, and are claimed one at a time.
    pub suspects: i64,
    /// How many of its tasks run at once in all live workers together. 0: nobody serves it.
    pub slots: i64,
    /// Somebody holds it.
    pub paused: Option<Pause>,
    /// Outside services that are down, and which steps of this queue need.
    pub breakers: Vec<Breaker>,
}

/// A list does not count further than this.
pub const COUNTED: i64 = 100_000;

/// All queues that ever had work, by name. A step counts for the queue in which the newest live
/// worker runs it.
pub async fn list(pool: &PgPool) -> Result<Vec<QueueEntry>, AdminError> {
    let fleet = Fleet::muster(pool).await?;
    let lanes = queues::waiting(pool, COUNTED).await?;
    let mut queues: BTreeMap<String, InQueue> = BTreeMap::new();
    for lane in lanes {
        let queue = fleet.queue_of(&lane.workflow, lane.version, &lane.step, &lane.queue);
        let waiting = queues.entry(queue).or_default();
        waiting.workflows.insert((lane.workflow, lane.version));
        waiting.lanes.push(lane.lane);
        waiting.ready += lane.ready + lane.suspects;
        waiting.suspects += lane.suspects;
    }
    // A pause stays visible when its queue is no longer any step's.
    let mut paused = paused(pool).await?;
    for queue in paused.keys() {
        queues.entry(queue.clone()).or_default();
    }
    let slots = fleet.slots();
    let open = breakers::list(pool).await?;
    let entries = queues.into_iter().map(|(queue, waiting)| QueueEntry {
        workflows: waiting
            .workflows
            .into_iter()
            .map(|(workflow, version)| format!("{workflow} v{version}"))
            .collect(),
        ready: waiting.ready,
        suspects: waiting.suspects,
        slots: slots.get(queue.as_str()).copied().unwrap_or_default(),
        paused: paused.remove(&queue),
        breakers: needed(&open, &fleet, &queue, &waiting.lanes),
        queue,
    });
    Ok(entries.collect())
}

fn needed(open: &[Breaker], fleet: &Fleet, queue: &str, lanes: &[LaneId]) -> Vec<Breaker> {
    let needs = fleet.needs_of(queue);
    let needed = open.iter().filter(|breaker| {
        needs.contains(breaker.dependency.as_str())
            || breaker.lanes.iter().any(|lane| lanes.contains(lane))
    });
    needed.cloned().collect()
}

/// What waits in a queue.
#[derive(Default)]
struct InQueue {
    /// With their versions.
    workflows: BTreeSet<(String, i32)>,
    lanes: Vec<LaneId>,
    ready: i64,
    suspects: i64,
}

/// The queues that somebody holds.
pub(super) async fn paused(pool: &PgPool) -> Result<HashMap<String, Pause>, StoreError> {
    let rows = queues::paused(pool).await?;
    let pauses = rows.into_iter().map(|row| {
        let pause = Pause {
            at: row.paused_at,
            by: row.paused_by,
            reason: row.reason,
        };
        (row.queue, pause)
    });
    Ok(pauses.collect())
}

/// Holds a queue: nothing more of it is claimed. What is under way goes on.
pub async fn pause(pool: &PgPool, queue: &str, by: Actor<'_>) -> Result<(), AdminError> {
    let mut transaction = begin(pool).await?;
    let hints = pause_in(&mut transaction, queue, by).await?;
    finish(pool, transaction, Failpoint::Pause, hints).await
}

/// [`pause`] as part of the caller's transaction.
pub async fn pause_in(
    tx: &mut PgConnection,
    queue: &str,
    by: Actor<'_>,
) -> Result<Hints, AdminError> {
    check_reason(by)?;
    must_exist(tx, queue).await?;
    if !queues::pause(tx, queue, by).await? {
        return Err(Conflict::QueuePaused(queue.to_owned()).into());
    }
    audit::record(tx, by, "queue.pause", queue, json!({})).await?;
    Ok(Hints::default())
}

/// Fails for a queue that is neither the newest build's, nor that of any build that is at work.
pub(super) async fn must_exist(tx: &mut PgConnection, queue: &str) -> Result<(), AdminError> {
    if !queues::exists(tx, queue).await? {
        return Err(not_found("queue", queue));
    }
    Ok(())
}

/// Lets a paused queue go on.
pub async fn resume(pool: &PgPool, queue: &str, by: Actor<'_>) -> Result<(), AdminError> {
    let mut transaction = begin(pool).await?;
    let hints = resume_in(&mut transaction, queue, by).await?;
    finish(pool, transaction, Failpoint::Resume, hints).await
}

/// [`resume`] as part of the caller's transaction.
pub async fn resume_in(
    tx: &mut PgConnection,
    queue: &str,
    by: Actor<'_>,
) -> Result<Hints, AdminError> {
    check_reason(by)?;
    if !queues::resume(tx, queue).await? {
        must_exist(tx, queue).await?;
        return Err(Conflict::QueueNotPaused(queue.to_owned()).into());
    }
    audit::record(tx, by, "queue.resume", queue, json!({})).await?;
    Ok(Hints::queues(vec![queue.to_owned()]))
}
