//! How much waits where, counted once for all who ask.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::store::depths as store;
use crate::store::error::StoreError;
use crate::{
    admin::{AdminError, hints::begin, workers::Fleet},
    protocol::failpoints::Failpoint,
    store::commit::commit,
};

/// What was counted, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Depths {
    /// When. All who ask see the same count until it is too old for one of them.
    pub counted_at: DateTime<Utc>,
    /// How long ago.
    pub age: Duration,
    /// The steps that have tasks.
    pub steps: Vec<Depth>,
}

/// Tasks of one step, in all versions of its workflow, by where they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Depth {
    /// Queue of the step, as the newest live worker runs it.
    pub queue: String,
    /// Durable name of the workflow.
    pub workflow: String,
    /// Durable name of the step.
    pub step: String,
    /// Tasks that can be claimed now.
    pub ready: i64,
    /// Claimable now, one at a time in each process: they were in a process when it died.
    pub suspects: i64,
    /// Tasks that can be claimed later: retries and delayed starts.
    pub deferred: i64,
    /// Being worked on.
    pub running: i64,
    /// Of paused runs.
    pub held: i64,
    /// Open dead letters.
    pub dead: i64,
    /// Seconds for which the oldest claimable task has been ready.
    pub oldest_ready_seconds: Option<f64>,
}

/// Counts tasks, unless somebody has done so within `max_age` or is doing it: then it returns what is
/// stored. A count reads every live task once, however many processes ask.
pub async fn depths(pool: &PgPool, max_age: Duration) -> Result<Depths, AdminError> {
    let before = stored(pool).await?;
    if before.age <= max_age {
        return Ok(before);
    }
    let fleet = Fleet::muster(pool).await?;
    let mut transaction = begin(pool).await?;
    let tx = &mut *transaction;
    if store::take(tx, max_age).await? {
        let counts = count(tx, &fleet).await?;
        store::keep(tx, &json!(counts)).await?;
        commit(transaction, &[Failpoint::Count]).await?;
    } else {
        transaction.rollback().await?;
    }
    Ok(stored(pool).await?)
}

async fn stored(pool: &PgPool) -> Result<Depths, StoreError> {
    let row = store::read(pool).await?;
    Ok(Depths {
        counted_at: row.counted_at,
        age: Duration::try_from_secs_f64(row.age).unwrap_or_default(),
        // What a newer build wrote counts for nothing.
        steps: serde_json::from_value(row.counts).unwrap_or_default(),
    })
}

async fn count(tx: &mut PgConnection, fleet: &Fleet) -> Result<Vec<Depth>, StoreError> {
    let lanes = store::count(tx).await?;
    let mut steps: BTreeMap<(String, String, String), Depth> = BTreeMap::new();
    for lane in lanes {
        let queue = fleet.queue_of(&lane.workflow, lane.version, &lane.step, &lane.queue);
        let depth = steps.entry((queue, lane.workflow, lane.step)).or_default();
        depth.ready += lane.ready;
        depth.suspects += lane.suspects;
        depth.deferred += lane.deferred;
        depth.running += lane.running;
        depth.held += lane.held;
        depth.dead += lane.dead;
        let oldest = depth.oldest_ready_seconds.into_iter().chain(lane.oldest);
        depth.oldest_ready_seconds = oldest.reduce(f64::max);
    }
    let named = steps
        .into_iter()
        .map(|((queue, workflow, step), depth)| Depth {
            queue,
            workflow,
            step,
            ..depth
        });
    Ok(named.collect())
}
