//! The ordinary path of recovery, run at intervals by every worker: due retries become ready,
//! and tasks of lost workers become claimable elsewhere.

use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{
    commit::commit,
    fan_out::{self, Child},
    letters::{self, Dead},
    lock, notify, tasks,
};
use crate::{
    faults::Transaction,
    plan::{Cause, fingerprint},
};

/// Rows handled per transaction, so that no sweep holds locks for long.
const BATCH: i64 = 500;

/// Moves due tasks to the ready table. Returns whether there may be more.
pub(crate) async fn due(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let row = sqlx::query!(
        r#"WITH due AS (
            SELECT due_at, task_id FROM workflows.deferred
            WHERE due_at <= now()
            ORDER BY due_at, task_id LIMIT $1
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
            SELECT lane, key, rank, task_id FROM task),
         announced AS (
            SELECT pg_notify($2, queue) FROM (
                SELECT DISTINCT queue FROM task JOIN workflows.lanes USING (lane)) q)
         SELECT (SELECT count(*) FROM moved) AS "moved!", (SELECT count(*) FROM announced) AS "queues!""#,
        BATCH,
        super::CHANNEL,
    )
    .fetch_one(&mut *transaction)
    .await?;
    if row.moved > 0 {
        commit(transaction, &[Transaction::Due]).await?;
    }
    Ok(row.moved == BATCH)
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
    let paused = lock::runs(tx, &runs).await?;
    let taken = take(tx, &ids, &tokens, lost).await?;
    let count = taken.len();
    let (poison, sound): (Vec<_>, Vec<_>) = taken.into_iter().partition(|t| {
        let limit = crash_limit(&t.workflow, t.version, &t.step);
        u32::try_from(t.crashes).unwrap_or(u32::MAX) >= limit
    });
    let sound: Vec<Uuid> = sound.into_iter().map(|t| t.task_id).collect();
    let mut queues = tasks::make_ready(tx, &sound).await?;
    let dead: Vec<_> = poison.into_iter().map(Taken::into_dead).collect();
    let missing = letters::bury(tx, &dead).await?;
    queues.extend(fan_out::join(tx, &missing, &paused).await?);
    // A full batch may have left some; the worker stays on the list until nothing of it is left.
    sqlx::query!(
        "UPDATE workflows.workers w SET left_at = clock_timestamp() WHERE worker_id = ANY($1)
         AND NOT EXISTS (SELECT FROM workflows.leases l WHERE l.worker_id = w.worker_id)",
        lost,
    )
    .execute(&mut *tx)
    .await?;
    notify(tx, &queues).await?;
    commit(transaction, &[Transaction::Rescue]).await?;
    Ok(count)
}

struct Taken {
    task_id: Uuid,
    run_id: Uuid,
    key: i64,
    rank: i64,
    fan_out_id: Option<Uuid>,
    workflow: String,
    version: i32,
    step: String,
    crashes: i32,
    worker_id: i64,
}

impl Taken {
    fn into_dead(self) -> Dead {
        let error = json!({
            "message": format!("the worker was lost under this task {} times", self.crashes)
        });
        Dead {
            task_id: self.task_id,
            cause: Cause::Crashes.as_str(),
            fingerprint: fingerprint(&self.step, &error),
            error,
            worker_id: self.worker_id,
            child: self.fan_out_id.map(|fan_out_id| Child {
                fan_out_id,
                run_id: self.run_id,
                key: self.key,
                rank: self.rank,
            }),
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
            DELETE FROM workflows.leases l
            USING unnest($1::uuid[], $3::bigint[]) AS seen (task_id, token)
            WHERE l.task_id = seen.task_id AND l.token = seen.token
              AND (l.expires_at < clock_timestamp() OR l.worker_id = ANY($2))
            RETURNING l.task_id, l.token, l.worker_id, l.started_at),
         crashed AS (
            UPDATE workflows.tasks t SET crashes = t.crashes + 1
            FROM taken WHERE t.task_id = taken.task_id
            RETURNING t.*, taken.token, taken.worker_id, taken.started_at),
         recorded AS (
            INSERT INTO workflows.attempts
                (token, run_id, task_id, step, fan_out_id, child, outcome, worker_id, started_at)
            SELECT token, run_id, task_id, step, fan_out_id, child, 'crashed', worker_id, started_at
            FROM crashed)
         SELECT c.task_id, c.run_id, c.key, c.rank, c.fan_out_id, l.workflow, l.version, c.step,
                c.crashes, c.worker_id
         FROM crashed c JOIN workflows.lanes l USING (lane)",
        tasks,
        lost,
        tokens,
    )
    .fetch_all(tx)
    .await
}
