//! Forgetting what people did long ago.

use std::time::Duration;

use sqlx::PgConnection;

/// Rows removed by one statement.
const BATCH: i64 = 1000;

/// Removes what was entered into the audit, and re-drives that ended, longer ago than `age`: a
/// bounded batch of each. Returns how many rows went; call again until there are none.
pub(crate) async fn forget(
    connection: &mut PgConnection,
    age: Duration,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
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
    .await
}
