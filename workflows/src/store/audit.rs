//! The record of what people did.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use crate::define::actor::Actor;
use crate::store::error::StoreError;

/// Keeps an action, in the caller's transaction.
pub(crate) async fn record(
    tx: &mut PgConnection,
    by: Actor<'_>,
    action: &str,
    target: impl std::fmt::Display,
    details: Value,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO workflows.audit (actor, action, target, reason, details) VALUES ($1, $2, $3, $4, $5)",
        by.name,
        action,
        target.to_string(),
        by.reason,
        details,
    )
    .execute(tx)
    .await?;
    Ok(())
}

pub(crate) struct Entry {
    pub audit_id: i64,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub target: String,
    pub reason: String,
    pub details: Value,
}

/// The newest `limit` entries, of one target or of all, before the entry `before`.
pub(crate) async fn list(
    pool: &PgPool,
    target: Option<&str>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    Ok(sqlx::query_as!(
        Entry,
        "SELECT audit_id, at, actor, action, target, reason, details FROM workflows.audit
         WHERE ($1::text IS NULL OR target = $1) AND ($2::bigint IS NULL OR audit_id < $2)
         ORDER BY audit_id DESC LIMIT $3",
        target,
        before,
        limit,
    )
    .fetch_all(pool)
    .await?)
}
