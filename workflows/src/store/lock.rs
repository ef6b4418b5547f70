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

/// The fence: of the given attempts, those that still hold their lease, locked.
pub(super) async fn leases(
    connection: &mut PgConnection,
    tasks: &[Uuid],
    tokens: &[i64],
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT l.task_id
         FROM workflows.leases l
         JOIN unnest($1::uuid[], $2::bigint[]) AS held (task_id, token) USING (task_id, token)
         ORDER BY l.task_id FOR UPDATE OF l",
        tasks,
        tokens,
    )
    .fetch_all(connection)
    .await
}
