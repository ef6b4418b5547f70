//! How much waits where, counted once for all who ask.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool, types::Json};

use crate::{
    admin::{AdminError, hints::begin, workers::Fleet},
    protocol::failpoints::Transaction,
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
    /// Claimable now.
    pub ready: i64,
    /// Claimable now, one at a time in each process: they were in a process when it died.
    pub suspects: i64,
    /// Claimable later.
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
    let mine = sqlx::query_scalar!(
        "SELECT one FROM workflows.depths WHERE counted_at < clock_timestamp() - make_interval(secs => $1)
         FOR UPDATE SKIP LOCKED",
        max_age.as_secs_f64(),
    );
    if mine.fetch_optional(&mut *tx).await?.is_some() {
        let counts = count(tx, &fleet).await?;
        sqlx::query!(
            "UPDATE workflows.depths SET counted_at = clock_timestamp(), counts = $1",
            Json(counts) as _,
        )
        .execute(&mut *tx)
        .await?;
        commit(transaction, &[Transaction::Count]).await?;
    } else {
        transaction.rollback().await?;
    }
    Ok(stored(pool).await?)
}

async fn stored(pool: &PgPool) -> Result<Depths, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT counted_at, counts AS "counts: Json<Vec<Depth>>",
                  extract(epoch FROM clock_timestamp() - counted_at)::float8 AS "age!"
           FROM workflows.depths"#
    )
    .fetch_one(pool)
    .await?;
    Ok(Depths {
        counted_at: row.counted_at,
        age: Duration::try_from_secs_f64(row.age).unwrap_or_default(),
        steps: row.counts.0,
    })
}

async fn count(tx: &mut PgConnection, fleet: &Fleet) -> Result<Vec<Depth>, sqlx::Error> {
    let lanes = sqlx::query!(
        r#"WITH place AS (
            SELECT lane, task_id, 'ready' AS place FROM workflows.ready
            UNION ALL SELECT lane, task_id, 'suspect' FROM workflows.suspects
            UNION ALL SELECT NULL, task_id, 'deferred' FROM workflows.deferred
            UNION ALL SELECT NULL, task_id, 'running' FROM workflows.leases),
         live AS (
            SELECT t.lane, place.place, t.ready_at
            FROM workflows.tasks t LEFT JOIN place USING (task_id)
            UNION ALL
            SELECT lane, 'dead', NULL FROM workflows.dead_letters WHERE resolved_at IS NULL)
         SELECT l.queue, l.workflow, l.version, l.step,
                count(*) FILTER (WHERE place = 'ready') AS "ready!",
                count(*) FILTER (WHERE place = 'suspect') AS "suspects!",
                count(*) FILTER (WHERE place = 'deferred') AS "deferred!",
                count(*) FILTER (WHERE place = 'running') AS "running!",
                count(*) FILTER (WHERE place IS NULL) AS "held!",
                count(*) FILTER (WHERE place = 'dead') AS "dead!",
                extract(epoch FROM clock_timestamp()
                    - min(ready_at) FILTER (WHERE place IN ('ready', 'suspect')))::float8 AS oldest
         FROM live JOIN workflows.lanes l USING (lane)
         GROUP BY l.lane"#
    )
    .fetch_all(tx)
    .await?;
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
