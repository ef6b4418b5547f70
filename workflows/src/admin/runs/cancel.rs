//! Ending runs by decision.

use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::protocol::state::Resolution;
use crate::{
    admin::{
        AdminError, By, Hints, audit,
        clear::clear,
        hints::{begin, finish},
        hooks, locks,
    },
    protocol::failpoints::Transaction,
};

/// Ends a run now. Its tasks are gone when this returns; attempts under way can write nothing any
/// more and are stopped within a second.
pub async fn cancel(pool: &PgPool, run_id: Uuid, by: By<'_>) -> Result<(), AdminError> {
    let mut transaction = begin(pool).await?;
    let hints = cancel_in(&mut transaction, run_id, by).await?;
    finish(pool, transaction, Transaction::Cancel, hints).await?;
    tracing::info!(run.id = %run_id, actor = by.actor, "run cancelled");
    Ok(())
}

/// [`cancel`] as part of the caller's transaction.
pub async fn cancel_in(
    tx: &mut PgConnection,
    run_id: Uuid,
    by: By<'_>,
) -> Result<Hints, AdminError> {
    by.check()?;
    locks::live_run(tx, run_id).await?;
    let running = end(tx, &[run_id], by).await?;
    let details = json!({ "attempts_stopped": running });
    audit::record(tx, by, "run.cancel", run_id, details).await?;
    Ok(Hints::cancelled(&[run_id]))
}

/// Takes all that is left of locked runs away and marks them cancelled: the one place where a
/// decision of somebody ends a run, by a cancel or by a discard. Returns how many attempts were under
/// way.
pub(in crate::admin) async fn end(
    tx: &mut PgConnection,
    runs: &[Uuid],
    by: By<'_>,
) -> Result<i64, AdminError> {
    // Where a run was is part of its result: without an attempt it is not in the history.
    sqlx::query!(
        "WITH ended AS (
         UPDATE workflows.runs r
         SET state = 'cancelled', ended_at = now(), paused_at = NULL, paused_by = NULL, pause_reason = NULL,
             result = json_build_object('cancelled_by', $2::text, 'reason', $3::text, 'steps', ARRAY(
                 SELECT DISTINCT step FROM (
                     SELECT lane FROM workflows.tasks t WHERE t.run_id = r.run_id
                     UNION ALL
                     SELECT lane FROM workflows.dead_letters d
                     WHERE d.run_id = r.run_id AND d.resolved_at IS NULL) place
                 JOIN workflows.lanes USING (lane) ORDER BY step))
         WHERE run_id = ANY($1)
         RETURNING run_id, workflow, version, subject)
         INSERT INTO workflows.events (run_id, workflow, subject, kind, details)
         SELECT run_id, workflow, subject, 'cancelled', json_build_object('by', $2::text, 'reason', $3::text)
         FROM ended e
         WHERE EXISTS (SELECT FROM workflows.lanes l
                       WHERE (l.workflow, l.version) = (e.workflow, e.version) AND l.events <> 'none')",

        runs,
        by.actor,
        by.reason,
    )
    .execute(&mut *tx)
    .await?;
    let running = clear(tx, runs, Resolution::Discarded, by).await?;
    hooks::cancelled(tx, runs, by).await?;
    Ok(running)
}
