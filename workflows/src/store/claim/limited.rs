//! Claiming in queues that have limits over all processes.
//!
//! Whoever has the lock of a queue's limit counts what runs there and takes what is left. Others pass
//! over a limit that is locked and come again, so nobody queues up behind anybody. What runs is what
//! has a permit and still holds its lease: when a process dies, its permits are worth nothing as soon
//! as its leases are taken from it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use sqlx::{Connection, PgConnection};

use crate::define::ids::{FairnessHash, LaneId, WorkerId};
use crate::store::error::StoreError;
use crate::{
    protocol::{failpoints::Failpoint, task::Claim},
    store::{
        claim::{Claimed, Columns, Demand, Lanes, Row, Wanted, claim_suspect, claimed},
        commit::commit,
    },
};

/// What a queue's limit allows now.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub queue: String,
    /// So many tasks more.
    pub slots: usize,
    /// Tasks of one key that may run at once, if that is limited.
    per_key: Option<i32>,
    /// Something is ready in the lanes that were asked for.
    pub waiting: bool,
    rate: Option<Rate>,
}

#[derive(Debug, Clone, Copy)]
struct Rate {
    per_second: f64,
    /// Steps that may begin now, with a part of the next.
    saved: f64,
}

impl Room {
    /// When the rate allows the next task after `taken` more, if it is the rate that counts.
    pub fn next_in(&self, taken: usize) -> Option<Duration> {
        let rate = self.rate?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "at most as many as there are slots"
        )]
        let missing = 1.0 - (rate.saved - taken as f64);
        let wait = Duration::try_from_secs_f64(missing / rate.per_second);
        Some(wait.unwrap_or_default())
    }

    pub fn limits_keys(&self) -> bool {
        self.per_key.is_some()
    }

    /// With a rate: steps in a second, and those saved up.
    #[cfg(test)]
    pub fn of(queue: &str, slots: usize, waiting: bool, rate: Option<(f64, f64)>) -> Self {
        Self {
            queue: queue.to_owned(),
            slots,
            per_key: None,
            waiting,
            rate: rate.map(|(per_second, saved)| Rate { per_second, saved }),
        }
    }
}

/// What a claim under limits brought.
#[derive(Debug, Default)]
pub(crate) struct Limited {
    pub claimed: Claimed,
    /// Of the queues whose limits nobody else was using.
    pub rooms: Vec<Room>,
}

/// Takes tasks as [`claim`](crate::store::claim::claim) does, as far as the limits of their queues allow. All lanes
/// are of queues with limits; of one whose limit is gone nothing is taken.
pub(crate) async fn claim_limited(
    connection: &mut PgConnection,
    known: &Lanes,
    demand: &Demand,
    worker_id: WorkerId,
    lease: Duration,
) -> Result<Limited, StoreError> {
    let mut transaction = connection.begin().await?;
    let tx = &mut *transaction;
    let rooms = rooms(tx, &demand.lanes).await?;
    let by_queue: HashMap<&str, &Room> = rooms.iter().map(|r| (r.queue.as_str(), r)).collect();
    let mut columns = Columns::default();
    let mut per_key = Vec::new();
    for lane in &demand.lanes {
        if let Some(room) = by_queue.get(lane.queue).filter(|room| room.slots > 0) {
            columns.push(lane, lane.slots.min(room.slots));
            per_key.push(room.per_key.unwrap_or(i32::MAX));
        }
    }
    let mut limited = Limited::default();
    if !columns.lanes.is_empty() {
        let rows = sqlx::query_file_as!(
            Row,
            "src/store/claim_limited.sql",
            &columns.lanes as &[LaneId],
            &columns.queues,
            &columns.groups,
            &columns.slots,
            &columns.after as &[FairnessHash],
            &columns.crash_limits,
            worker_id.0,
            lease.as_secs_f64(),
            &per_key,
        );
        limited.claimed = claimed(rows.fetch_all(&mut *tx).await?, known);
    }
    finish(transaction, limited.claimed.claims.is_empty()).await?;
    limited.rooms = rooms;
    Ok(limited)
}

/// Takes one of the tasks that were in a process when it died, if `limited` allows it: those of the
/// queues in demand that have limits.
pub(crate) async fn claim_suspect_limited(
    connection: &mut PgConnection,
    known: &Lanes,
    demand: &Demand,
    limited: &HashSet<String>,
    worker_id: WorkerId,
    lease: Duration,
) -> Result<Option<Arc<Claim>>, StoreError> {
    if limited.is_empty() {
        return claim_suspect(connection, known, demand, &[], worker_id, lease).await;
    }
    let mut transaction = connection.begin().await?;
    let tx = &mut *transaction;
    let lanes = demand.lanes.iter();
    let lanes = lanes.filter(|lane| limited.contains(lane.queue));
    let rooms = rooms(tx, lanes).await?;
    let open = rooms.iter().filter(|room| room.slots > 0);
    let open: Vec<String> = open.map(|room| room.queue.clone()).collect();
    let claim = claim_suspect(tx, known, demand, &open, worker_id, lease).await?;
    if let Some(claim) = &claim
        && open.iter().any(|queue| queue == claim.lane.queue)
        && !permit(tx, claim).await?
    {
        // Its key has all that it may have: those of other queues are not to wait for it.
        transaction.rollback().await?;
        return claim_suspect(connection, known, demand, &[], worker_id, lease).await;
    }
    finish(transaction, claim.is_none()).await?;
    Ok(claim)
}

async fn finish(
    transaction: sqlx::Transaction<'_, sqlx::Postgres>,
    nothing: bool,
) -> Result<(), StoreError> {
    let kinds: &[Failpoint] = if nothing {
        &[]
    } else {
        &[Failpoint::LimitedClaim]
    };
    commit(transaction, kinds).await
}

/// Locks the limits of the lanes' queues that nobody else has locked, and says what they allow.
async fn rooms(
    tx: &mut PgConnection,
    lanes: impl IntoIterator<Item = &Wanted>,
) -> Result<Vec<Room>, StoreError> {
    let (numbers, queues): (Vec<LaneId>, Vec<String>) = lanes
        .into_iter()
        .map(|lane| (lane.lane, lane.queue.to_owned()))
        .unzip();
    let locked = sqlx::query_scalar!(
        "SELECT queue FROM workflows.limits WHERE queue = ANY($1) ORDER BY queue FOR UPDATE SKIP LOCKED",
        &queues,
    )
    .fetch_all(&mut *tx)
    .await?;
    if locked.is_empty() {
        return Ok(Vec::new());
    }
    // A statement of its own: it must see what the last holder of the lock has written.
    let rows = sqlx::query!(
        r#"WITH void AS MATERIALIZED (
            SELECT p.queue, p.task_id, p.token FROM workflows.permits p
            WHERE p.queue = ANY($1)
              AND NOT EXISTS (SELECT FROM workflows.leases l
                              WHERE (l.task_id, l.token) = (p.task_id, p.token))),
         gone AS (
            DELETE FROM workflows.permits p USING void v
            WHERE (p.queue, p.task_id, p.token) = (v.queue, v.task_id, v.token)),
         running AS (
            SELECT p.queue, count(*) - (SELECT count(*) FROM void v WHERE v.queue = p.queue) AS tasks
            FROM workflows.permits p WHERE p.queue = ANY($1) GROUP BY p.queue)
         SELECT l.queue AS "queue!", l.concurrency, l.per_key, l.per_second,
                coalesce(r.tasks, 0) AS "running!",
                least(l.burst, l.saved + greatest(0, extract(epoch FROM clock_timestamp() - l.filled_at)::float8)
                                         * l.per_second) AS saved,
                EXISTS (SELECT FROM unnest($2::int[], $3::text[]) AS w (lane, queue) CROSS JOIN LATERAL (
                            SELECT FROM workflows.ready WHERE lane = w.lane ORDER BY key LIMIT 1) first
                        WHERE w.queue = l.queue) AS "waiting!"
         FROM workflows.limits l LEFT JOIN running r USING (queue)
         WHERE l.queue = ANY($1)"#,
        &locked,
        &numbers as &[LaneId],
        &queues,
    )
    .fetch_all(tx)
    .await?;
    let rooms = rows.into_iter().map(|row| {
        let rate = row.per_second.zip(row.saved);
        let rate = rate.map(|(per_second, saved)| Rate { per_second, saved });
        let at_once = row.concurrency.map(|most| i64::from(most) - row.running);
        // Time stamps are rounded to microseconds.
        #[expect(clippy::cast_possible_truncation, reason = "bounded by the burst")]
        let begin = rate.map(|rate| (rate.saved + 1e-4).floor() as i64);
        let slots = at_once.into_iter().chain(begin).min().unwrap_or(i64::MAX);
        Room {
            queue: row.queue,
            slots: usize::try_from(slots).unwrap_or_default(),
            per_key: row.per_key,
            waiting: row.waiting,
            rate,
        }
    });
    Ok(rooms.collect())
}

/// Enters a claimed task. `false`: its key has all that it may have.
async fn permit(tx: &mut PgConnection, claim: &Claim) -> Result<bool, StoreError> {
    let within_limit = sqlx::query_scalar!(
        r#"WITH permitted AS (
            INSERT INTO workflows.permits (queue, key, task_id, token) VALUES ($1, $2, $3, $4))
         UPDATE workflows.limits l
         SET saved = coalesce(least(burst, saved + greatest(0, extract(epoch FROM clock_timestamp() - filled_at)::float8)
                                           * per_second) - 1, saved),
             filled_at = clock_timestamp()
         WHERE l.queue = $1
         RETURNING coalesce(l.per_key > (SELECT count(*) FROM workflows.permits p
                                         WHERE p.queue = $1 AND p.key = $2), true) AS "within!""#,
        claim.lane.queue,
        claim.fairness_hash.0,
        claim.task_id.0,
        claim.token.0,
    );
    Ok(within_limit.fetch_one(tx).await?)
}
