//! Who did what, when and why.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use crate::admin::{AdminError, By};

/// One action.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// Grows with time.
    pub audit_id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What, for example `run.cancel`.
    pub action: String,
    /// To what: a run, a letter, a queue, a re-drive.
    pub target: String,
    /// Why.
    pub reason: String,
    /// What else is known.
    pub details: Value,
}

/// The newest `limit` actions, of one target or of all, before `before`.
pub async fn list(
    pool: &PgPool,
    target: Option<&str>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<AuditEntry>, AdminError> {
    let entries = sqlx::query_as!(
        AuditEntry,
        "SELECT audit_id, at, actor, action, target, reason, details FROM workflows.audit
         WHERE ($1::text IS NULL OR target = $1) AND ($2::bigint IS NULL OR audit_id < $2)
         ORDER BY audit_id DESC LIMIT $3",
        target,
        before,
        limit.clamp(1, 500),
    );
    Ok(entries.fetch_all(pool).await?)
}

/// Records an action of the caller's own, in its transaction.
pub async fn record_in(
    tx: &mut PgConnection,
    by: By<'_>,
    action: &str,
    target: impl std::fmt::Display,
    details: Value,
) -> Result<(), AdminError> {
    by.check()?;
    Ok(record(tx, by, action, target, details).await?)
}

/// Keeps an action, in the caller's transaction.
pub(crate) async fn record(
    tx: &mut PgConnection,
    by: By<'_>,
    action: &str,
    target: impl std::fmt::Display,
    details: Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO workflows.audit (actor, action, target, reason, details) VALUES ($1, $2, $3, $4, $5)",
        by.actor,
        action,
        target.to_string(),
        by.reason,
        details,
    )
    .execute(tx)
    .await?;
    Ok(())
}
