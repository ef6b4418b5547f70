//! Removing what is over and old.

use std::time::Duration;

use sqlx::{Connection, PgConnection};

use crate::store::error::StoreError;
use crate::{protocol::failpoints::Failpoint, store::commit::commit};

/// Runs removed per transaction, with all their history.
const BATCH: i64 = 500;

/// Removes runs that ended longer than `age` ago, a bounded batch of them, oldest first, and
/// returns how many. A run with an open dead letter stays, however old.
pub(crate) async fn prune(
    connection: &mut PgConnection,
    age: Duration,
) -> Result<usize, StoreError> {
    let mut transaction = connection.begin().await?;
    let tx = &mut *transaction;
    // Ids begin with the time of the start, so the primary key bounds the search.
    let old = sqlx::query_scalar!(
        "SELECT run_id FROM workflows.runs r,
              (SELECT now() - make_interval(secs => $1) AS at) cutoff
         WHERE run_id < rpad(lpad(to_hex((extract(epoch FROM cutoff.at) * 1000)::bigint), 12, '0'), 32, '0')::uuid
           AND ended_at < cutoff.at AND state IN ('succeeded', 'rejected', 'cancelled')
           AND NOT EXISTS (SELECT FROM workflows.dead_letters d
                           WHERE d.run_id = r.run_id AND d.resolved_at IS NULL)
         ORDER BY run_id LIMIT $2 FOR UPDATE OF r SKIP LOCKED",
        age.as_secs_f64(),
        BATCH,
    )
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query!(
        "DELETE FROM workflows.attempts WHERE run_id = ANY($1)",
        &old
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "DELETE FROM workflows.dead_letters WHERE run_id = ANY($1)",
        &old
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("DELETE FROM workflows.runs WHERE run_id = ANY($1)", &old)
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "DELETE FROM workflows.workers w WHERE left_at < clock_timestamp() - make_interval(secs => $1)
         AND NOT EXISTS (SELECT FROM workflows.leases l WHERE l.worker_id = w.worker_id)",
        age.as_secs_f64(),
    )
    .execute(&mut *tx)
    .await?;
    commit(transaction, &[Failpoint::Prune]).await?;
    Ok(old.len())
}

/// Removes what was entered into the audit, and re-drives that ended, longer ago than `age`: a
/// bounded batch of each. Returns how many rows went; call again until there are none.
pub(crate) async fn forget(
    connection: &mut PgConnection,
    age: Duration,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"WITH cutoff AS (SELECT now() - make_interval(secs => $1) AS at),
         old_entry AS (
            DELETE FROM workflows.audit USING cutoff
            WHERE audit_id IN (SELECT audit_id FROM workflows.audit ORDER BY audit_id LIMIT $2)
              AND audit.at < cutoff.at
            RETURNING 1),
         old_redrive AS (
            DELETE FROM workflows.redrives USING cutoff
            WHERE redrive_id IN (SELECT redrive_id FROM workflows.redrives, cutoff
                                 WHERE ended_at < cutoff.at ORDER BY redrive_id LIMIT $2)
            RETURNING 1)
         SELECT (SELECT count(*) FROM old_entry) + (SELECT count(*) FROM old_redrive) AS "gone!""#,
        age.as_secs_f64(),
        BATCH,
    )
    .fetch_one(connection)
    .await?)
}
