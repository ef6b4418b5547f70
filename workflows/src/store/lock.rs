//! Row locks: always runs before leases. Leases are ended only under the lock of their run, so
//! their own order does not matter.

use crate::define::ids::{FencingToken, RunId, TaskId, WorkerId};
use crate::store::error::StoreError;
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Runs that this transaction has locked, with what is paused of them.
#[derive(Debug, Default)]
pub(crate) struct Locked {
    pub runs: HashSet<RunId>,
    /// Those of the runs that are paused.
    pub paused: HashSet<RunId>,
    /// And those in which each step is claimed anew, because they have limits.
    pub paused_queues: HashSet<String>,
}

impl Locked {
    fn add(&mut self, run_id: RunId, paused: bool, queues: Vec<String>) {
        self.runs.insert(run_id);
        self.paused_queues.extend(queues);
        if paused {
            self.paused.insert(run_id);
        }
    }
}

/// Holds the runs still for this transaction, and waits for those who hold them.
pub(crate) async fn runs(
    connection: &mut PgConnection,
    runs: &[RunId],
) -> Result<Locked, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT run_id, paused_at IS NOT NULL AS "paused!",
                  ARRAY(SELECT queue FROM workflows.queues
                        UNION ALL SELECT queue FROM workflows.limits) AS "queues!"
           FROM workflows.runs WHERE run_id = ANY($1) ORDER BY run_id FOR NO KEY UPDATE"#,
        runs as &[RunId],
    )
    .fetch_all(connection)
    .await?;
    let mut locked = Locked::default();
    for run in rows {
        locked.add(RunId(run.run_id), run.paused, run.queues);
    }
    Ok(locked)
}

/// The same, but passes over runs that somebody else holds: a frozen process, for example.
pub(crate) async fn free_runs(
    connection: &mut PgConnection,
    runs: &[RunId],
) -> Result<Locked, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT run_id, paused_at IS NOT NULL AS "paused!",
                  ARRAY(SELECT queue FROM workflows.queues
                        UNION ALL SELECT queue FROM workflows.limits) AS "queues!"
           FROM workflows.runs WHERE run_id = ANY($1) ORDER BY run_id FOR NO KEY UPDATE SKIP LOCKED"#,
        runs as &[RunId],
    )
    .fetch_all(connection)
    .await?;
    let mut locked = Locked::default();
    for run in rows {
        locked.add(RunId(run.run_id), run.paused, run.queues);
    }
    Ok(locked)
}

/// Locks those of the runs that nobody else has locked, and says which.
pub(crate) async fn free_run_ids(
    connection: &mut PgConnection,
    runs: &[RunId],
) -> Result<HashSet<RunId>, StoreError> {
    Ok(free_runs(connection, runs).await?.runs)
}

/// The fence: ends the leases of those of the given attempts that still hold one. Call under the
/// runs' locks. A lease whose task is gone is ended as well and not returned: its run ended while the
/// task was being claimed.
pub(crate) async fn end_leases(
    connection: &mut PgConnection,
    tasks: &[TaskId],
    tokens: &[FencingToken],
    worker_id: WorkerId,
) -> Result<HashSet<(TaskId, FencingToken)>, StoreError> {
    if tasks.is_empty() {
        return Ok(HashSet::new());
    }
    let ended = sqlx::query!(
        r#"DELETE FROM workflows.leases l
           USING unnest($1::uuid[], $2::bigint[]) AS held (task_id, token)
           WHERE l.task_id = held.task_id AND l.token = held.token AND l.worker_id = $3
           RETURNING l.task_id, l.token,
               EXISTS (SELECT FROM workflows.tasks t WHERE t.task_id = l.task_id) AS "alive!""#,
        tasks as &[TaskId],
        tokens as &[FencingToken],
        worker_id.0,
    )
    .fetch_all(connection)
    .await?;
    Ok(ended
        .into_iter()
        .filter(|lease| lease.alive)
        .map(|lease| (TaskId(lease.task_id), FencingToken(lease.token)))
        .collect())
}

/// A lease to renew for the next step.
#[derive(Default)]
pub(crate) struct Renewals {
    pub tasks: Vec<TaskId>,
    pub tokens: Vec<FencingToken>,
    pub crash_limits: Vec<i32>,
}

/// The same fence for attempts whose worker goes on with the next step: the lease stays, with a new
/// token, which is returned with the time.
pub(crate) async fn renew_leases(
    connection: &mut PgConnection,
    renewals: &Renewals,
    worker_id: WorkerId,
    lease: Duration,
) -> Result<HashMap<TaskId, (FencingToken, DateTime<Utc>)>, StoreError> {
    if renewals.tasks.is_empty() {
        return Ok(HashMap::new());
    }
    let renewed = sqlx::query!(
        r#"UPDATE workflows.leases l
           SET token = workflows.next_token(l.token),
               crash_limit = held.crash_limit,
               started_at = clock_timestamp(),
               expires_at = clock_timestamp() + make_interval(secs => $5)
           FROM unnest($1::uuid[], $2::bigint[], $3::int[]) AS held (task_id, token, crash_limit)
           WHERE l.task_id = held.task_id AND l.token = held.token AND l.worker_id = $4
             AND EXISTS (SELECT FROM workflows.tasks t WHERE t.task_id = l.task_id)
           RETURNING l.task_id, l.token, l.started_at"#,
        &renewals.tasks as &[TaskId],
        &renewals.tokens as &[FencingToken],
        &renewals.crash_limits,
        worker_id.0,
        lease.as_secs_f64(),
    )
    .fetch_all(connection)
    .await?;
    Ok(renewed
        .into_iter()
        .map(|lease| {
            let token = FencingToken(lease.token);
            (TaskId(lease.task_id), (token, lease.started_at))
        })
        .collect())
}

/// Locks the tasks of these runs. Waits until other transactions that are moving them (from deferred to
/// ready, say) have ended, so that the next statement sees each task where it came to.
pub(crate) async fn tasks_of(tx: &mut PgConnection, runs: &[RunId]) -> Result<(), StoreError> {
    // In the order of those who move them: they pass over deferred rows that are locked.
    sqlx::query!(
        "SELECT d.task_id FROM workflows.deferred d JOIN workflows.tasks t USING (task_id)
         WHERE t.run_id = ANY($1) ORDER BY d.due_at, d.task_id FOR UPDATE OF d",
        runs as &[RunId],
    )
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query!(
        "SELECT task_id FROM workflows.tasks WHERE run_id = ANY($1) ORDER BY task_id FOR UPDATE",
        runs as &[RunId],
    )
    .fetch_all(tx)
    .await?;
    Ok(())
}
