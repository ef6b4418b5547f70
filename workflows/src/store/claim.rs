//! Claiming ready tasks.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

mod limited;

use crate::define::ids::{
    FairnessHash, FanOutId, FencingToken, LaneId, Rank, RunId, TaskId, WorkerId,
};
use crate::store::error::StoreError;
use crate::{
    define::{lane::Lane, payload::Payload},
    protocol::{
        failpoints::{Failpoint, Side, reach},
        task::Claim,
    },
    store::lanes::Lanes,
};
pub(crate) use limited::{Limited, Room, claim_limited, claim_suspect_limited};

/// A lane to look into.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub lane: LaneId,
    pub queue: &'static str,
    /// Which version of which workflow it belongs to.
    pub group: i32,
    /// Free slots of the queue.
    pub slots: usize,
    /// The key after which to look.
    pub after: FairnessHash,
    pub crash_limit: i32,
}

/// What one process would take now.
#[derive(Debug, Default)]
pub(crate) struct Demand {
    pub lanes: Vec<Wanted>,
    /// Lane, key and lowest rank of where to look, instead of looking for keys.
    pub fronts: Option<Vec<(LaneId, FairnessHash, Rank)>>,
}

/// What a claim brought.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    pub claims: Vec<Arc<Claim>>,
    /// A share was used up, so more may be waiting.
    pub more: bool,
    /// Time that it took the server.
    pub took: Duration,
}

/// Takes tasks for `worker_id`, at most as many as there are slots. Keys take turns; within a key
/// the order is that of the runs' ranks.
///
/// Meant for a connection with asynchronous commit: a claim that is lost with the server loses
/// nothing, because the task is then ready again.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    known: &Lanes,
    demand: &Demand,
    worker_id: WorkerId,
    lease: Duration,
) -> Result<Claimed, StoreError> {
    let (mut front_lanes, mut hashes, mut ranks) = (vec![], vec![], vec![]);
    for (lane, hash, rank) in demand.fronts.iter().flatten() {
        front_lanes.push(*lane);
        hashes.push(*hash);
        ranks.push(*rank);
    }
    let wanted = Columns::of(&demand.lanes);
    reach(Failpoint::Claim, Side::Before);
    let rows = sqlx::query_file_as!(
        Row,
        "src/store/claim.sql",
        &wanted.lanes as &[LaneId],
        &wanted.queues,
        &wanted.groups,
        &wanted.slots,
        &wanted.after as &[FairnessHash],
        &wanted.crash_limits,
        worker_id.0,
        lease.as_secs_f64(),
        demand.fronts.is_none(),
        &front_lanes as &[LaneId],
        &hashes as &[FairnessHash],
        &ranks as &[Rank],
    )
    .fetch_all(connection)
    .await?;
    if !rows.is_empty() {
        reach(Failpoint::Claim, Side::After);
    }
    Ok(claimed(rows, known))
}

/// Takes one of the tasks that were in a process when it died. Of queues with limits only those that
/// are `permitted`.
async fn claim_suspect(
    connection: &mut PgConnection,
    known: &Lanes,
    demand: &Demand,
    permitted: &[String],
    worker_id: WorkerId,
    lease: Duration,
) -> Result<Option<Arc<Claim>>, StoreError> {
    let wanted = Columns::of(&demand.lanes);
    let rows = sqlx::query_file_as!(
        Row,
        "src/store/claim_suspect.sql",
        &wanted.lanes as &[LaneId],
        &wanted.queues,
        &wanted.crash_limits,
        worker_id.0,
        lease.as_secs_f64(),
        permitted,
    )
    .fetch_all(connection)
    .await?;
    Ok(claimed(rows, known).claims.pop())
}

/// Tasks that `worker_id` has by the database's word and does not know of: the answer of a claim
/// or of a commit was lost. But for those that it has taken over to dead-letter them, which must not run.
pub(crate) async fn strays(
    connection: &mut PgConnection,
    known: &Lanes,
    worker_id: WorkerId,
    in_hand: &[TaskId],
) -> Result<Vec<Arc<Claim>>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT t.task_id, t.run_id, r.subject, r.trace_parent, t.lane, t.key AS fairness_hash, t.rank,
                  t.fan_out_id AS "fan_out_id: _", t.child, t.input::text AS "input!", t.errors, t.crashes, t.interruptions,
                  t.suspicion, l.token, l.started_at, 0::float8 AS "waited!", 0::bigint AS "quota!",
                  0::float8 AS "took!"
           FROM workflows.leases l JOIN workflows.tasks t USING (task_id)
           JOIN workflows.runs r ON r.run_id = t.run_id
           WHERE l.worker_id = $1 AND l.task_id <> ALL($2) AND l.crash_limit > 0"#,
        worker_id.0,
        in_hand as &[TaskId],
    )
    .fetch_all(connection)
    .await?;
    Ok(claimed(rows, known).claims)
}

/// Takes over the leases of others, so that this worker can write the end of these tasks. They must
/// still have been alone in their processes, unless one crash is enough for them. A crash limit of 0
/// marks such a lease.
pub(crate) async fn take_over(
    connection: &mut PgConnection,
    known: &Lanes,
    worker_id: WorkerId,
    lease: Duration,
    leases: &HashSet<(TaskId, FencingToken)>,
) -> Result<Vec<Arc<Claim>>, StoreError> {
    let (tasks, tokens): (Vec<TaskId>, Vec<FencingToken>) = leases.iter().copied().unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"WITH worker AS MATERIALIZED (
            SELECT w.worker_id, workflows.has_one_task(w.worker_id, w.robbed) AS alone
            FROM workflows.workers w
            WHERE w.worker_id IN (SELECT l.worker_id FROM workflows.leases l WHERE l.task_id = ANY($2))
            FOR NO KEY UPDATE OF w SKIP LOCKED),
         robbed AS (
            UPDATE workflows.workers w SET robbed = true FROM worker WHERE w.worker_id = worker.worker_id),
         mine AS (
            UPDATE workflows.leases l
            SET worker_id = $1, token = l.token + 1, crash_limit = 0,
                expires_at = clock_timestamp() + make_interval(secs => $4)
            FROM unnest($2::uuid[], $3::bigint[]) AS seen (task_id, token)
            WHERE l.task_id = seen.task_id AND l.token = seen.token
              AND (l.crash_limit <= 1 OR (SELECT alone FROM worker w WHERE w.worker_id = l.worker_id))
            RETURNING l.task_id, l.token, l.started_at)
           SELECT t.task_id, t.run_id, r.subject, r.trace_parent, t.lane, t.key AS fairness_hash, t.rank,
                  t.fan_out_id AS "fan_out_id: _", t.child, t.input::text AS "input!", t.errors, t.crashes, t.interruptions,
                  t.suspicion, l.token, l.started_at, 0::float8 AS "waited!", 0::bigint AS "quota!",
                  0::float8 AS "took!"
           FROM mine l JOIN workflows.tasks t USING (task_id)
           JOIN workflows.runs r ON r.run_id = t.run_id"#,
        worker_id.0,
        &tasks as &[TaskId],
        &tokens as &[FencingToken],
        lease.as_secs_f64(),
    )
    .fetch_all(connection)
    .await?;
    Ok(claimed(rows, known).claims)
}

fn claimed(rows: Vec<Row>, known: &Lanes) -> Claimed {
    let mut taken: HashMap<(LaneId, FairnessHash), i64> = HashMap::new();
    let mut claimed = Claimed::default();
    for row in rows {
        let share = taken.entry((row.lane, row.fairness_hash)).or_default();
        *share += 1;
        claimed.more |= *share >= row.quota;
        let took = Duration::try_from_secs_f64(row.took).unwrap_or_default();
        claimed.took = took.max(claimed.took);
        // Every lane that was asked for is known.
        if let Some(lane) = known.get(row.lane) {
            claimed.claims.push(Arc::new(row.into_claim(lane.clone())));
        }
    }
    claimed
}

/// Columns for `unnest`.
#[derive(Default)]
struct Columns {
    lanes: Vec<LaneId>,
    queues: Vec<String>,
    groups: Vec<i32>,
    slots: Vec<i32>,
    after: Vec<FairnessHash>,
    crash_limits: Vec<i32>,
}

impl Columns {
    fn of(wanted: &[Wanted]) -> Self {
        let mut columns = Self::default();
        for lane in wanted {
            columns.push(lane, lane.slots);
        }
        columns
    }

    fn push(&mut self, lane: &Wanted, slots: usize) {
        self.lanes.push(lane.lane);
        self.queues.push(lane.queue.to_owned());
        self.groups.push(lane.group);
        self.slots.push(i32::try_from(slots).unwrap_or(i32::MAX));
        self.after.push(lane.after);
        self.crash_limits.push(lane.crash_limit);
    }
}

struct Row {
    task_id: TaskId,
    run_id: RunId,
    subject: Uuid,
    trace_parent: Option<String>,
    lane: LaneId,
    fairness_hash: FairnessHash,
    rank: Rank,
    fan_out_id: Option<FanOutId>,
    child: Option<i32>,
    input: String,
    errors: i32,
    crashes: i32,
    interruptions: i32,
    suspicion: i16,
    token: FencingToken,
    started_at: DateTime<Utc>,
    waited: f64,
    quota: i64,
    took: f64,
}

impl Row {
    fn into_claim(self, lane: Lane) -> Claim {
        Claim {
            task_id: self.task_id,
            run_id: self.run_id,
            subject: self.subject,
            lane,
            fairness_hash: self.fairness_hash,
            rank: self.rank,
            fan_out_id: self.fan_out_id,
            child: self.child,
            input: Payload::stored(self.input),
            errors: self.errors,
            crashes: self.crashes,
            interruptions: self.interruptions,
            suspicion: self.suspicion,
            token: self.token,
            started_at: self.started_at,
            trace_parent: self.trace_parent,
            waited: Duration::try_from_secs_f64(self.waited).unwrap_or_default(),
        }
    }
}
