//! A worker process's presence and its leases.

use crate::define::ids::{FencingToken, RunId, TaskId, WorkerId};
use crate::store::error::StoreError;
use std::time::Duration;

use serde_json::Value;
use sqlx::PgConnection;

/// First half of the advisory lock key by which a process shows that it lives.
/// ("work" in ASCII; the second half is the worker's id.)
pub(crate) const PRESENCE: i32 = 0x776f_726b;

/// A worker as others see it.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub name: String,
    pub build: String,
    /// What it can run, as in the column `workers.capabilities`.
    pub capabilities: Value,
}

/// Enters a worker and returns its id.
pub(crate) async fn register(
    connection: &mut PgConnection,
    who: &Who,
) -> Result<WorkerId, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO workflows.workers (name, build, capabilities) VALUES ($1, $2, $3)
           RETURNING worker_id AS "worker_id: WorkerId""#,
        who.name,
        who.build,
        who.capabilities,
    )
    .fetch_one(connection)
    .await?)
}

/// Shares the presence lock with the other sessions of this process. It ends with the session.
pub(crate) async fn announce(
    connection: &mut PgConnection,
    worker_id: WorkerId,
) -> Result<bool, StoreError> {
    let key = lock_key(worker_id);
    let shared = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_lock_shared($1, $2) AS "shared!""#,
        PRESENCE,
        key,
    );
    Ok(shared.fetch_one(connection).await?)
}

/// The worker's half of the lock key. Ids are handed out from 1 upwards.
#[expect(
    clippy::cast_possible_truncation,
    reason = "an advisory lock key has 32 bits"
)]
pub(crate) fn lock_key(worker_id: WorkerId) -> i32 {
    worker_id.0 as i32
}

/// What a heartbeat brings home.
pub(crate) struct Beat {
    /// Task and token of the attempts that hold a lease.
    pub held: Vec<(TaskId, FencingToken)>,
    /// This very session has the presence lock, by the server's word.
    pub present: bool,
    /// Run and token of an attempt that was charged because this worker seemed to have died of it.
    pub charged: Option<(RunId, FencingToken)>,
}

/// Shows that the worker is there, renews those leases of the attempts in hand that are past a
/// quarter of their time, and says which attempts hold one.
///
/// Leases that a transaction is just ending are passed over, not waited for; so is the worker's row. Only when everything in
/// hand is held does the worker count as one that is at no more than it holds.
pub(crate) async fn renew(
    connection: &mut PgConnection,
    worker_id: WorkerId,
    who: &Who,
    tasks: &[TaskId],
    lease: Duration,
) -> Result<Beat, StoreError> {
    let rows = sqlx::query!(
        r#"WITH before AS (
            SELECT charged_run, charged_token FROM workflows.workers WHERE worker_id = $1),
         held AS MATERIALIZED (
            SELECT task_id, l.token FROM workflows.leases l
            JOIN workflows.tasks t USING (task_id)
            WHERE task_id = ANY($2) AND worker_id = $1),
         entered AS (
            INSERT INTO workflows.workers (worker_id, name, build, capabilities) OVERRIDING SYSTEM VALUE
            SELECT $1, $4, $5, $6 WHERE NOT EXISTS (SELECT FROM before)
            ON CONFLICT (worker_id) DO NOTHING),
         me AS (
            SELECT worker_id FROM workflows.workers
            WHERE worker_id = $1
              AND (seen_at < clock_timestamp() - make_interval(secs => $3::float8 / 4)
                   OR left_at IS NOT NULL OR lost_tasks IS NOT NULL OR robbed)
            FOR NO KEY UPDATE SKIP LOCKED),
         seen AS (
            UPDATE workflows.workers w
            SET seen_at = clock_timestamp(), left_at = NULL, lost_tasks = NULL,
                robbed = w.robbed AND (w.charged_token IS NOT NULL
                                       OR (SELECT count(*) FROM held) < cardinality($2))
            FROM me WHERE w.worker_id = me.worker_id),
         mine AS (
            SELECT task_id FROM workflows.leases
            WHERE task_id = ANY($2) AND worker_id = $1
              AND expires_at < clock_timestamp() + make_interval(secs => $3 * 0.75)
            ORDER BY task_id FOR UPDATE SKIP LOCKED),
         renewed AS (
            UPDATE workflows.leases l SET expires_at = clock_timestamp() + make_interval(secs => $3)
            FROM mine WHERE l.task_id = mine.task_id)
         SELECT held.task_id AS "task_id?: TaskId", held.token AS "token?: FencingToken", shown.present AS "present!",
                (SELECT charged_run FROM before) AS "charged_run: RunId",
                (SELECT charged_token FROM before) AS "charged_token: FencingToken"
         FROM (SELECT EXISTS (
                   SELECT FROM pg_locks l
                   WHERE l.pid = pg_backend_pid() AND l.locktype = 'advisory' AND l.granted
                     AND l.objsubid = 2 AND l.classid = $7::int::oid
                     AND l.objid = ($1 % 4294967296)::text::oid) AS present) shown
         LEFT JOIN held ON true"#,
        worker_id.0,
        tasks as &[TaskId],
        lease.as_secs_f64(),
        who.name,
        who.build,
        who.capabilities,
        PRESENCE,
    )
    .fetch_all(connection)
    .await?;
    let told = rows.first();
    let held = rows.iter().filter_map(|row| row.task_id.zip(row.token));
    Ok(Beat {
        present: told.is_some_and(|row| row.present),
        charged: told.and_then(|row| row.charged_run.zip(row.charged_token)),
        held: held.collect(),
    })
}

/// Leaves for good. A worker that leaves leases behind stays on the list: its presence lock is gone
/// with its sessions, so sweepers find it and rescue them. As it was not killed, nobody killed it:
/// with no lost tasks counted, none is charged.
pub(crate) async fn leave(
    connection: &mut PgConnection,
    worker_id: WorkerId,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE workflows.workers w
         SET robbed = true,
             left_at = CASE WHEN left_over.any_left THEN NULL ELSE clock_timestamp() END,
             lost_tasks = CASE WHEN left_over.any_left THEN 0 END
         FROM (SELECT EXISTS (SELECT FROM workflows.leases l WHERE l.worker_id = $1) AS any_left) left_over
         WHERE worker_id = $1",
        worker_id.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}
