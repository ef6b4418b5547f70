//! The workers that have not left, and whether they live.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;

use crate::define::ids::WorkerId;
use crate::store::error::StoreError;
use crate::store::presence::PRESENCE;

/// A worker that has not left.
pub(crate) struct Row {
    pub worker_id: WorkerId,
    pub name: String,
    pub build: String,
    pub capabilities: Value,
    pub started_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
    pub lost_tasks: Option<i32>,
    pub tasks: i64,
    pub alive: bool,
}

/// Those who have not left, the newest first.
pub(crate) async fn list(pool: &PgPool) -> Result<Vec<Row>, StoreError> {
    Ok(sqlx::query_as!(
        Row,
        r#"SELECT worker_id AS "worker_id!", name AS "name!", build AS "build!",
                  capabilities AS "capabilities!", started_at AS "started_at!", seen_at AS "seen_at!", lost_tasks,
                  coalesce(tasks, 0) AS "tasks!",
                  worker_id % 4294967296 IN (
                      SELECT objid::bigint FROM pg_locks
                      WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = $1::int::oid
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  ) AS "alive!"
           FROM workflows.live_workers
           LEFT JOIN (SELECT worker_id, count(*) AS tasks FROM workflows.leases GROUP BY worker_id) l
               USING (worker_id)
           ORDER BY worker_id DESC"#,
        PRESENCE,
    )
    .fetch_all(pool)
    .await?)
}
