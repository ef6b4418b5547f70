//! The ordinary path of recovery, run at intervals by every worker: due tasks become ready, and
//! those of lost workers become claimable elsewhere.
//!
//! Who is to blame for a lost process? The one task that it had, if it had one. Of several, nobody
//! knows which, so none is charged: they are tried again apart from each other, one at a time.

mod charge;

use sqlx::{Connection, PgConnection};

use crate::define::ids::{FencingToken, LaneId, RunId, TaskId, WorkerId};
use crate::store::error::StoreError;
use crate::{
    protocol::failpoints::Failpoint,
    store::{commit::commit, lock, tasks},
};
use charge::take;
pub(crate) use charge::{count_lost, forgive};

/// Rows handled per transaction, so that no sweep holds locks for long.
const BATCH: i64 = 500;

/// What a move of due tasks did.
pub(crate) struct Moved {
    /// Lanes in which tasks became ready.
    pub lanes: Vec<LaneId>,
    /// There may be more.
    pub more: bool,
}

/// Makes due tasks claimable. Passes over those that somebody else holds.
pub(crate) async fn due(connection: &mut PgConnection) -> Result<Moved, StoreError> {
    let mut transaction = connection.begin().await?;
    let lanes = sqlx::query_scalar!(
        r#"WITH due AS (
            SELECT d.due_at, d.task_id FROM workflows.deferred d JOIN workflows.tasks t USING (task_id)
            WHERE d.due_at <= now()
            ORDER BY d.due_at, d.task_id LIMIT $1
            FOR UPDATE SKIP LOCKED),
         moved AS (
            DELETE FROM workflows.deferred d USING due
            WHERE (d.due_at, d.task_id) = (due.due_at, due.task_id)
            RETURNING d.task_id),
         task AS (
            UPDATE workflows.tasks t SET ready_at = clock_timestamp() FROM moved
            WHERE t.task_id = moved.task_id
            RETURNING t.lane, t.key, t.rank, t.task_id),
         ready AS (
            INSERT INTO workflows.ready (lane, key, rank, task_id)
            SELECT lane, key, rank, task_id FROM task)
         SELECT lane AS "lane: LaneId" FROM task"#,
        BATCH,
    )
    .fetch_all(&mut *transaction)
    .await?;
    if !lanes.is_empty() {
        commit(transaction, &[Failpoint::Due]).await?;
    }
    let more = i64::try_from(lanes.len()).unwrap_or(BATCH) == BATCH;
    Ok(Moved { lanes, more })
}

/// What a sweeper knows of losses.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    /// Workers of which no connection has been there for a while.
    pub lost: Vec<WorkerId>,
    /// Workers that are absent, and not for long enough. That their leases have expired says nothing
    /// more, so these are left alone.
    pub undecided: Vec<WorkerId>,
    /// Those of the lost that have been away so long that they will not come back. Only then is a task
    /// dead-lettered for it.
    pub gone: Vec<WorkerId>,
    /// Lanes that this build knows: only their tasks can be dead-lettered here.
    pub known: Vec<LaneId>,
}

/// Leases to take.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one row of a query, each an answer of its own"
)]
pub(crate) struct Candidate {
    pub task_id: TaskId,
    pub run_id: RunId,
    token: FencingToken,
    lane: LaneId,
    /// The process died of it.
    charged: bool,
    /// The process died when it had it.
    killed: bool,
    /// It died of it for the last time.
    last: bool,
    /// It cannot be decided yet, or not here.
    wait: bool,
}

/// What was done about losses.
#[derive(Debug, Default)]
pub(crate) struct Rescued {
    /// How many leases were taken.
    pub taken: usize,
    /// Lanes of the tasks among them that are charged with it, one for each.
    pub crashed: Vec<LaneId>,
    /// Lanes of those that are not to blame.
    pub innocent: Vec<LaneId>,
    /// Lanes in which tasks became ready.
    pub lanes: Vec<LaneId>,
    /// Task and token of tasks to dead-letter, still leased to their lost workers.
    pub poison: Vec<Candidate>,
    /// Runs that somebody holds: seen to at the next look.
    pub busy: usize,
}

impl Rescued {
    pub fn add(&mut self, other: Self) {
        self.taken += other.taken;
        self.crashed.extend(other.crashed);
        self.innocent.extend(other.innocent);
        self.busy += other.busy;
        self.lanes.extend(other.lanes);
        self.poison.extend(other.poison);
    }
}

impl Candidate {
    pub fn lease(&self) -> (TaskId, FencingToken) {
        (self.task_id, self.token)
    }
}

/// Leases of lost workers, and all that expired.
pub(crate) async fn candidates(
    connection: &mut PgConnection,
    losses: &Losses,
) -> Result<Vec<Candidate>, StoreError> {
    Ok(sqlx::query_as!(
        Candidate,
        r#"SELECT task_id, run_id, token, lane, charged AS "charged!", killed AS "killed!",
                  charged AND crashes + 1 >= crash_limit AS "last!",
                  charged AND crashes + 1 >= crash_limit
                  AND NOT (worker_id = ANY($2) AND lane = ANY($3)) AS "wait!"
           FROM (SELECT l.task_id, l.run_id, l.token, l.worker_id, l.crash_limit, t.lane, t.crashes,
                        coalesce(l.worker_id = ANY($1) AND w.lost_tasks > 0, false) AS killed,
                        coalesce(l.worker_id = ANY($1) AND w.lost_tasks > 0 AND (l.crash_limit <= 1 OR (
                            NOT w.robbed AND count(*) OVER (PARTITION BY l.worker_id) = 1)), false)
                            AS charged
                 FROM workflows.leases l
                 JOIN workflows.tasks t USING (task_id)
                 LEFT JOIN workflows.workers w ON w.worker_id = l.worker_id
                 WHERE l.worker_id = ANY($1)
                    OR (l.expires_at < clock_timestamp() AND l.worker_id <> ALL($5))
                 ORDER BY l.run_id, l.task_id LIMIT $4) lease"#,
        &losses.lost as &[WorkerId],
        &losses.gone as &[WorkerId],
        &losses.known as &[LaneId],
        BATCH,
        &losses.undecided as &[WorkerId],
    )
    .fetch_all(connection)
    .await?)
}

/// Takes the leases of lost workers and those that expired, and makes their tasks claimable. Those
/// that killed their last process are left for [`take_over`](crate::store::claim::take_over).
pub(crate) async fn rescue(
    connection: &mut PgConnection,
    losses: &Losses,
    candidates: &[Candidate],
) -> Result<Rescued, StoreError> {
    let mut transaction = connection.begin().await?;
    let tx = &mut *transaction;
    let (last, sound): (Vec<_>, Vec<_>) = candidates.iter().cloned().partition(|c| c.last);
    let runs: Vec<RunId> = sound.iter().map(|c| c.run_id).collect();
    let locked = lock::free_runs(tx, &runs).await?;
    let (free, busy): (Vec<_>, Vec<_>) = sound
        .into_iter()
        .partition(|c| locked.runs.contains(&c.run_id));
    let taken = take(tx, &free, &losses.lost).await?;
    let lanes = tasks::make_ready(tx, &taken).await?;
    commit(transaction, &[Failpoint::Rescue]).await?;
    let (crashed, innocent): (Vec<_>, Vec<_>) = free
        .iter()
        .filter(|candidate| taken.contains(&candidate.task_id))
        .partition(|candidate| candidate.charged);
    let lanes_of = |tasks: Vec<&Candidate>| tasks.iter().map(|task| task.lane).collect();
    Ok(Rescued {
        taken: taken.len(),
        crashed: lanes_of(crashed),
        innocent: lanes_of(innocent),
        lanes,
        poison: last.into_iter().filter(|c| !c.wait).collect(),
        busy: busy.len(),
    })
}

/// Takes the lost workers off the list of whom nothing is left.
pub(crate) async fn strike_off(
    connection: &mut PgConnection,
    lost: &[WorkerId],
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE workflows.workers w SET left_at = clock_timestamp()
         FROM (SELECT worker_id FROM workflows.workers WHERE worker_id = ANY($1)
               FOR NO KEY UPDATE SKIP LOCKED) lost
         WHERE w.worker_id = lost.worker_id
         AND NOT EXISTS (SELECT FROM workflows.leases l WHERE l.worker_id = w.worker_id)",
        lost as &[WorkerId],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes leases whose task is gone: of a claim that came when its run was just ending.
pub(crate) async fn drop_orphans(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!(
        "DELETE FROM workflows.leases l WHERE expires_at < clock_timestamp()
         AND NOT EXISTS (SELECT FROM workflows.tasks t WHERE t.task_id = l.task_id)"
    )
    .execute(connection)
    .await?;
    Ok(())
}
