//! Who pays for a lost process, decided in the statement that takes its leases.

use sqlx::PgConnection;

use crate::define::ids::{FencingToken, RunId, TaskId, WorkerId};
use crate::store::error::StoreError;
use crate::store::rescue::Candidate;

/// Remembers how many tasks each lost worker had, before the first of them is taken. A worker
/// that has left of itself has 0 on record: nobody killed it.
pub(crate) async fn count_lost(
    connection: &mut PgConnection,
    lost: &[WorkerId],
) -> Result<(), StoreError> {
    if lost.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE workflows.workers w SET lost_tasks = counted.tasks
         FROM (SELECT worker_id, (SELECT count(*) FROM workflows.leases l
                                  WHERE l.worker_id = lost.worker_id)::int AS tasks
               FROM workflows.workers lost
               WHERE worker_id = ANY($1) AND lost_tasks IS NULL FOR NO KEY UPDATE SKIP LOCKED) counted
         WHERE w.worker_id = counted.worker_id",
        lost as &[WorkerId],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes those of the leases that are still as they were seen, and charges whom it may: a task that
/// was alone in its process. From then on nobody knows how many the process has.
pub(super) async fn take(
    tx: &mut PgConnection,
    candidates: &[Candidate],
    lost: &[WorkerId],
) -> Result<Vec<TaskId>, StoreError> {
    let ids: Vec<TaskId> = candidates.iter().map(|c| c.task_id).collect();
    let tokens: Vec<FencingToken> = candidates.iter().map(|c| c.token).collect();
    let charged: Vec<bool> = candidates.iter().map(|c| c.charged).collect();
    let killed: Vec<bool> = candidates.iter().map(|c| c.killed).collect();
    let taken = sqlx::query_scalar!(
        r#"WITH worker AS MATERIALIZED (
            SELECT w.worker_id, workflows.has_one_task(w.worker_id, w.robbed) AS alone
            FROM workflows.workers w
            WHERE w.worker_id IN (SELECT l.worker_id FROM workflows.leases l WHERE l.task_id = ANY($1))
            FOR NO KEY UPDATE OF w SKIP LOCKED),
         taken AS (
            DELETE FROM workflows.leases l
            USING unnest($1::uuid[], $2::bigint[], $3::bool[], $5::bool[])
                AS seen (task_id, token, charged, killed)
            WHERE l.task_id = seen.task_id AND l.token = seen.token
              AND (l.expires_at < clock_timestamp() OR l.worker_id = ANY($4))
            RETURNING l.task_id, l.token, l.worker_id, l.started_at,
                      seen.charged AND coalesce((SELECT alone FROM worker w
                                                 WHERE w.worker_id = l.worker_id), false) AS charged,
                      seen.killed),
         crashed AS (
            UPDATE workflows.tasks t
            SET token = taken.token,
                crashes = t.crashes + taken.charged::int,
                interruptions = t.interruptions + (NOT taken.charged)::int,
                suspicion = CASE WHEN taken.killed THEN least(t.suspicion + 1, 2) ELSE t.suspicion END
            FROM taken WHERE t.task_id = taken.task_id
            RETURNING t.task_id, t.run_id, t.lane, t.fan_out_id, t.child, taken.token, taken.worker_id,
                      taken.started_at, taken.charged),
         recorded AS (
            INSERT INTO workflows.attempts
                (token, run_id, task_id, lane, fan_out_id, child, outcome, worker_id, started_at)
            SELECT token, run_id, task_id, lane, fan_out_id, child,
                   CASE WHEN charged THEN 'crashed' ELSE 'lost' END, worker_id, started_at
            FROM crashed),
         robbed AS (
            UPDATE workflows.workers w
            SET robbed = true, charged_run = coalesce(c.run_id, w.charged_run),
                charged_token = coalesce(c.token, w.charged_token)
            FROM (SELECT worker.worker_id, crashed.run_id, crashed.token
                  FROM worker LEFT JOIN crashed ON crashed.worker_id = worker.worker_id AND crashed.charged
                  WHERE worker.worker_id IN (SELECT worker_id FROM taken)) c
            WHERE w.worker_id = c.worker_id)
         SELECT task_id AS "task_id: TaskId" FROM crashed"#,
        &ids as &[TaskId],
        &tokens as &[FencingToken],
        &charged,
        lost as &[WorkerId],
        &killed,
    )
    .fetch_all(tx)
    .await?;
    Ok(taken)
}

/// Takes back the charge that a worker was charged with: it has shown that it lives. Passes over a
/// task that somebody holds: the charge is then still to be taken back.
pub(crate) async fn forgive(
    connection: &mut PgConnection,
    worker_id: WorkerId,
    (run_id, token): (RunId, FencingToken),
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "WITH charged AS (
            SELECT t.task_id FROM workflows.attempts a
            JOIN workflows.tasks t ON t.task_id = a.task_id AND t.lane = a.lane
            WHERE a.run_id = $2 AND a.token = $3 AND a.outcome = 'crashed' AND t.crashes > 0),
         me AS MATERIALIZED (
            SELECT worker_id FROM workflows.workers WHERE worker_id = $1 AND charged_token = $3
            FOR NO KEY UPDATE SKIP LOCKED),
         free AS MATERIALIZED (
            SELECT t.task_id FROM me, workflows.tasks t JOIN charged USING (task_id)
            FOR UPDATE OF t SKIP LOCKED),
         told AS (
            UPDATE workflows.workers w SET charged_run = NULL, charged_token = NULL
            FROM me WHERE w.worker_id = me.worker_id
              AND (EXISTS (SELECT FROM free) OR NOT EXISTS (SELECT FROM charged))),
         forgiven AS (
            UPDATE workflows.attempts a SET outcome = 'lost' FROM free
            WHERE a.run_id = $2 AND a.token = $3)
         UPDATE workflows.tasks t SET crashes = t.crashes - 1, interruptions = t.interruptions + 1
         FROM free WHERE t.task_id = free.task_id",
        worker_id.0,
        run_id.0,
        token.0,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
