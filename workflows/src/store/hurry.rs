//! Time that passes at once, for tests.

use crate::store::error::StoreError;
use sqlx::PgPool;

/// Makes what waits for its time due now: tasks of these workflows, and the next try of dependencies
/// that are down.
pub(crate) async fn hurry(pool: &PgPool, workflows: &[String]) -> Result<(), StoreError> {
    sqlx::query!(
        "WITH waiting AS MATERIALIZED (
            SELECT d.due_at, d.task_id
            FROM workflows.deferred d JOIN workflows.tasks t USING (task_id) JOIN workflows.lanes l USING (lane)
            WHERE d.due_at > clock_timestamp() AND l.workflow = ANY($1)
            FOR UPDATE OF d SKIP LOCKED),
         tried AS (
            UPDATE workflows.breakers SET probe_at = clock_timestamp() WHERE probe_at > clock_timestamp())
         UPDATE workflows.deferred d SET due_at = clock_timestamp() FROM waiting w
         WHERE (d.due_at, d.task_id) = (w.due_at, w.task_id)",
        workflows,
    )
    .execute(pool)
    .await?;
    Ok(())
}
