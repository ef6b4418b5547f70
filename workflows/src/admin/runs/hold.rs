//! Pausing runs, and letting them go on.

use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::admin::Conflict;
use crate::{
    admin::{
        AdminError, By, Hints, audit,
        clear::hold,
        hints::{begin, finish},
        locks,
    },
    protocol::failpoints::Transaction,
    store::tasks,
};

/// Holds a run: what is under way ends its step, and nothing else of it begins.
pub async fn pause(pool: &PgPool, run_id: Uuid, by: By<'_>) -> Result<(), AdminError> {
    let mut transaction = begin(pool).await?;
    let hints = pause_in(&mut transaction, run_id, by).await?;
    finish(pool, transaction, Transaction::Pause, hints).await
}

/// [`pause`] as part of the caller's transaction.
pub async fn pause_in(
    tx: &mut PgConnection,
    run_id: Uuid,
    by: By<'_>,
) -> Result<Hints, AdminError> {
    by.check()?;
    if locks::live_run(tx, run_id).await?.paused_at.is_some() {
        return Err(Conflict::RunPaused.into());
    }
    hold(tx, &[run_id]).await?;
    sqlx::query!(
        "WITH held AS (SELECT * FROM workflows.tasks WHERE run_id = $1),
         no_longer_ready AS (
            DELETE FROM workflows.ready r USING held t
            WHERE (r.lane, r.key, r.rank, r.task_id) = (t.lane, t.key, t.rank, t.task_id)),
         no_longer_suspect AS (
            DELETE FROM workflows.suspects s USING held t
            WHERE (s.lane, s.rank, s.task_id) = (t.lane, t.rank, t.task_id)),
         no_longer_deferred AS (
            DELETE FROM workflows.deferred d USING held t WHERE d.task_id = t.task_id)
         UPDATE workflows.runs SET paused_at = now(), paused_by = $2, pause_reason = $3
         WHERE run_id = $1",
        run_id,
        by.actor,
        by.reason,
    )
    .execute(&mut *tx)
    .await?;
    audit::record(tx, by, "run.pause", run_id, json!({})).await?;
    Ok(Hints::default())
}

/// Lets a paused run go on, retries at once.
pub async fn resume(pool: &PgPool, run_id: Uuid, by: By<'_>) -> Result<(), AdminError> {
    let mut transaction = begin(pool).await?;
    let hints = resume_in(&mut transaction, run_id, by).await?;
    finish(pool, transaction, Transaction::Resume, hints).await
}

/// [`resume`] as part of the caller's transaction.
pub async fn resume_in(
    tx: &mut PgConnection,
    run_id: Uuid,
    by: By<'_>,
) -> Result<Hints, AdminError> {
    by.check()?;
    if locks::live_run(tx, run_id).await?.paused_at.is_none() {
        return Err(Conflict::RunNotPaused.into());
    }
    sqlx::query!(
        "UPDATE workflows.runs SET paused_at = NULL, paused_by = NULL, pause_reason = NULL
         WHERE run_id = $1",
        run_id,
    )
    .execute(&mut *tx)
    .await?;
    let waiting = sqlx::query_scalar!(
        "SELECT task_id FROM workflows.tasks t WHERE run_id = $1
         AND NOT EXISTS (SELECT FROM workflows.leases l WHERE l.task_id = t.task_id)",
        run_id,
    )
    .fetch_all(&mut *tx)
    .await?;
    let lanes = tasks::make_ready(tx, &waiting).await?;
    audit::record(tx, by, "run.resume", run_id, json!({})).await?;
    Ok(Hints::lanes(lanes))
}
