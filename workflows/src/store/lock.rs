//! Row locks, always runs before leases, always by ascending id.

use sqlx::PgConnection;
use uuid::Uuid;

/// Holds the runs still for this transaction.
pub(super) async fn runs(connection: &mut PgConnection, runs: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT run_id FROM workflows.runs WHERE run_id = ANY($1)
         ORDER BY run_id FOR NO KEY UPDATE",
        runs,
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

/// The fence: of the given attempts, those that still hold their lease, locked. A lease whose task
/// is gone (its run ended in the moment of the claim) is worth nothing. Workers name themselves:
/// claims commit asynchronously, so a crash of the server can hand a token out twice.
pub(super) async fn leases(
    connection: &mut PgConnection,
    tasks: &[Uuid],
    tokens: &[i64],
    worker_id: Option<i64>,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT l.task_id
         FROM workflows.leases l
         JOIN unnest($1::uuid[], $2::bigint[]) AS held (task_id, token) USING (task_id, token)
         JOIN workflows.tasks t USING (task_id)
         WHERE $3::bigint IS NULL OR l.worker_id = $3
         ORDER BY l.task_id FOR UPDATE OF l",
        tasks,
        tokens,
        worker_id,
    )
    .fetch_all(connection)
    .await
}
