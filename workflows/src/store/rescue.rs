//! The ordinary path of recovery, run at intervals by every worker: due retries become ready,
//! and tasks of lost workers become claimable elsewhere.

use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{lock, notify, presence, tasks};
use crate::plan::{Cause, fingerprint};

/// Rows handled per statement, so that no sweep holds locks for long.
const BATCH: i64 = 500;

/// What a sweep found.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    /// Queues in which deferred tasks became ready.
    pub queues: Vec<String>,
    /// Workers whose presence lock is not held by anybody.
    pub absent: Vec<i64>,
    /// Leases have expired.
    pub expired: bool,
}

/// Moves due tasks to the ready table and looks for lost workers: one cheap statement.
pub(crate) async fn sweep(connection: &mut PgConnection) -> Result<Swept, sqlx::Error> {
    let row = sqlx::query!(
        r#"WITH due AS (
            SELECT due_at, task_id FROM workflows.deferred
            WHERE due_at <= clock_timestamp()
            ORDER BY due_at, task_id LIMIT $1
            FOR UPDATE SKIP LOCKED),
         moved AS (
            DELETE FROM workflows.deferred d USING due
            WHERE (d.due_at, d.task_id) = (due.due_at, due.task_id)
            RETURNING d.task_id),
         ready AS (
            INSERT INTO workflows.ready (queue, workflow, version, priority, task_id)
            SELECT queue, workflow, version, priority, task_id
            FROM moved JOIN workflows.tasks t USING (task_id)
            RETURNING queue),
         announced AS (
            SELECT queue, pg_notify($2, queue) FROM (SELECT DISTINCT queue FROM ready) q)
         SELECT ARRAY(SELECT queue FROM announced) AS "queues!",
                ARRAY(SELECT worker_id FROM workflows.workers w
                      WHERE NOT EXISTS (
                          SELECT FROM pg_locks l
                          WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                            AND l.classid = $3::int::oid AND l.objid = (w.worker_id % 4294967296)::text::oid)) AS "absent!",
                EXISTS (SELECT FROM workflows.leases WHERE expires_at < clock_timestamp()) AS "expired!""#,
        BATCH,
        super::CHANNEL,
        presence::PRESENCE,
    )
    .fetch_one(connection)
    .await?;
    Ok(Swept {
        queues: row.queues,
        absent: row.absent,
        expired: row.expired,
    })
}

/// Takes the leases of `lost` workers, and all that expired, and makes their tasks ready again,
/// or buries those that lost too many workers. Returns how many leases were taken.
pub(crate) async fn rescue(
    pool: &PgPool,
    lost: &[i64],
    crash_limit: impl Fn(&str, i32, &str) -> u32,
) -> Result<usize, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let tx = &mut *transaction;
    let candidates = sqlx::query!(
        "SELECT task_id, run_id, token FROM workflows.leases
         WHERE expires_at < clock_timestamp() OR worker_id = ANY($1)
         ORDER BY run_id, task_id LIMIT $2",
        lost,
        BATCH,
    )
    .fetch_all(&mut *tx)
    .await?;
    let runs: Vec<Uuid> = candidates.iter().map(|c| c.run_id).collect();
    let ids: Vec<Uuid> = candidates.iter().map(|c| c.task_id).collect();
    let tokens: Vec<i64> = candidates.iter().map(|c| c.token).collect();
    lock::runs(tx, &runs).await?;
    let taken = take(tx, &ids, &tokens, lost).await?;
    let count = taken.len();
    let (poison, sound): (Vec<_>, Vec<_>) = taken.into_iter().partition(|t| {
        let limit = crash_limit(&t.workflow, t.version, &t.step);
        u32::try_from(t.crashes).unwrap_or(u32::MAX) >= limit
    });
    let sound: Vec<Uuid> = sound.into_iter().map(|t| t.task_id).collect();
    let queues = tasks::make_ready(tx, &sound).await?;
    let dead: Vec<_> = poison.into_iter().map(Taken::into_dead).collect();
    tasks::bury(tx, &dead).await?;
    sqlx::query!(
        "DELETE FROM workflows.workers w WHERE worker_id = ANY($1)
         AND NOT EXISTS (SELECT FROM workflows.leases l WHERE l.worker_id = w.worker_id)",
        lost,
    )
    .execute(&mut *tx)
    .await?;
    notify(tx, &queues).await?;
    transaction.commit().await?;
    Ok(count)
}

struct Taken {
    task_id: Uuid,
    workflow: String,
    version: i32,
    step: String,
    crashes: i32,
    worker_id: i64,
}

impl Taken {
    fn into_dead(self) -> tasks::Dead {
        let error = json!({
            "message": format!("the worker was lost under this task {} times", self.crashes)
        });
        tasks::Dead {
            task_id: self.task_id,
            cause: Cause::Crashes.as_str(),
            fingerprint: fingerprint(&self.step, &error),
            error,
            worker_id: self.worker_id,
        }
    }
}

/// Takes those of the leases that are still as they were seen, and counts the crash.
async fn take(
    tx: &mut PgConnection,
    tasks: &[Uuid],
    tokens: &[i64],
    lost: &[i64],
) -> Result<Vec<Taken>, sqlx::Error> {
    sqlx::query_as!(
        Taken,
        "WITH taken AS (
            DELETE FROM workflows.leases
            WHERE (task_id, token) IN (SELECT * FROM unnest($1::uuid[], $3::bigint[]))
              AND (expires_at < clock_timestamp() OR worker_id = ANY($2))
            RETURNING task_id, token, worker_id, started_at),
         crashed AS (
            UPDATE workflows.tasks t SET crashes = t.crashes + 1
            FROM taken WHERE t.task_id = taken.task_id
            RETURNING t.*, taken.token, taken.worker_id, taken.started_at),
         recorded AS (
            INSERT INTO workflows.attempts
                (token, run_id, task_id, step, fan_out_id, child, outcome, worker_id, started_at)
            SELECT token, run_id, task_id, step, fan_out_id, child, 'crashed', worker_id, started_at
            FROM crashed)
         SELECT task_id, workflow, version, step, crashes, worker_id FROM crashed",
        tasks,
        lost,
        tokens,
    )
    .fetch_all(tx)
    .await
}
