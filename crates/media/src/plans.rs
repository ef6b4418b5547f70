//! What is made of a film, as it was planned: kept, and shown to its owner.

use serde_json::Value;
use sqlx::PgConnection;

use crate::{FileId, OwnerId};

/// Records the plan of a file; one that was there before is replaced. What it says is known to those who plan.
#[tracing::instrument(name = "db.media_plans.record", skip_all, fields(media.file_id = %file_id))]
pub async fn record(
    conn: &mut PgConnection,
    file_id: FileId,
    plan: &Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO media_plans (file_id, plan) VALUES ($1, $2)
         ON CONFLICT (file_id) DO UPDATE SET plan = excluded.plan, planned_at = now()",
        file_id.0,
        plan,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The plan of an owner's file; `None` for files that have none.
#[tracing::instrument(name = "db.media_plans.get", skip_all, fields(media.file_id = %file_id))]
pub async fn get(
    conn: &mut PgConnection,
    owner_id: &OwnerId,
    file_id: FileId,
) -> Result<Option<Value>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT plan FROM media_plans JOIN media_files USING (file_id)
         WHERE file_id = $1 AND owner_id = $2 AND deleted_at IS NULL",
        file_id.0,
        owner_id.as_str(),
    )
    .fetch_optional(conn)
    .await
}
