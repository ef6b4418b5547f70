//! Row locks: always runs before leases. Leases are ended only under the lock of their run, so
//! their own order does not matter.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// What somebody holds back.
#[derive(Debug, Default)]
pub(crate) struct Paused {
    pub runs: HashSet<Uuid>,
    pub queues: HashSet<String>,
}

/// Holds the runs still for this transaction. Returns which of them are paused, and which queues.
pub(crate) async fn runs(
    connection: &mut PgConnection,
    runs: &[Uuid],
) -> Result<Paused, sqlx::Error> {
    let locked = sqlx::query!(
        r#"SELECT run_id, paused_at IS NOT NULL AS "paused!",
                  ARRAY(SELECT queue FROM workflows.queues) AS "queues!"
           FROM workflows.runs WHERE run_id = ANY($1) ORDER BY run_id FOR NO KEY UPDATE"#,
        runs,
    )
    .fetch_all(connection)
    .await?;
    let mut paused = Paused::default();
    for run in locked {
        paused.queues.extend(run.queues);
        if run.paused {
            paused.runs.insert(run.run_id);
        }
    }
    Ok(paused)
}

/// The fence: ends the leases of those of the given attempts that still hold one. Call under the
/// runs' locks. A lease whose task is gone (its run ended in the moment of the claim) is worth
/// nothing.
pub(crate) async fn end_leases(
    connection: &mut PgConnection,
    tasks: &[Uuid],
    tokens: &[i64],
    worker_id: i64,
) -> Result<HashSet<(Uuid, i64)>, sqlx::Error> {
    if tasks.is_empty() {
        return Ok(HashSet::new());
    }
    let ended = sqlx::query!(
        r#"DELETE FROM workflows.leases l
           USING unnest($1::uuid[], $2::bigint[]) AS held (task_id, token)
           WHERE l.task_id = held.task_id AND l.token = held.token AND l.worker_id = $3
           RETURNING l.task_id, l.token,
               EXISTS (SELECT FROM workflows.tasks t WHERE t.task_id = l.task_id) AS "alive!""#,
        tasks,
        tokens,
        worker_id,
    )
    .fetch_all(connection)
    .await?;
    Ok(ended
        .into_iter()
        .filter(|lease| lease.alive)
        .map(|lease| (lease.task_id, lease.token))
        .collect())
}

/// The same fence for attempts whose worker goes on with the next step: the lease stays, with a new
/// token, which is returned with the time.
pub(crate) async fn renew_leases(
    connection: &mut PgConnection,
    tasks: &[Uuid],
    tokens: &[i64],
    worker_id: i64,
    lease: Duration,
) -> Result<HashMap<Uuid, (i64, DateTime<Utc>)>, sqlx::Error> {
    if tasks.is_empty() {
        return Ok(HashMap::new());
    }
    let renewed = sqlx::query!(
        r#"UPDATE workflows.leases l
           SET token = ((extract(epoch FROM clock_timestamp()) * 1000)::bigint << 20)
                       | (nextval('workflows.attempt_tokens') & 1048575),
               started_at = clock_timestamp(),
               expires_at = clock_timestamp() + make_interval(secs => $4)
           FROM unnest($1::uuid[], $2::bigint[]) AS held (task_id, token)
           WHERE l.task_id = held.task_id AND l.token = held.token AND l.worker_id = $3
             AND EXISTS (SELECT FROM workflows.tasks t WHERE t.task_id = l.task_id)
           RETURNING l.task_id, l.token, l.started_at"#,
        tasks,
        tokens,
        worker_id,
        lease.as_secs_f64(),
    )
    .fetch_all(connection)
    .await?;
    Ok(renewed
        .into_iter()
        .map(|lease| (lease.task_id, (lease.token, lease.started_at)))
        .collect())
}

/// Takes back leases that were renewed too early in this transaction.
pub(crate) async fn revoke_leases(
    connection: &mut PgConnection,
    tasks: &[Uuid],
) -> Result<(), sqlx::Error> {
    if !tasks.is_empty() {
        sqlx::query!(
            "DELETE FROM workflows.leases WHERE task_id = ANY($1)",
            tasks
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}
