//! Who did what, when and why.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use crate::{
    admin::{Actor, AdminError},
    store::audit as store,
};

/// One action of an operator.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// Number of the entry. Later entries have greater ones.
    pub audit_id: i64,
    /// When the transaction of the action began.
    pub at: DateTime<Utc>,
    /// Who did it, by the name that the caller gave.
    pub actor: String,
    /// What, for example `run.cancel`.
    pub action: String,
    /// To what: a run, a letter, a queue, a re-drive.
    pub target: String,
    /// The reason that was given. Never empty.
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
    let entries = store::list(pool, target, before, limit.clamp(1, 500)).await?;
    let entries = entries.into_iter().map(|entry| AuditEntry {
        audit_id: entry.audit_id,
        at: entry.at,
        actor: entry.actor,
        action: entry.action,
        target: entry.target,
        reason: entry.reason,
        details: entry.details,
    });
    Ok(entries.collect())
}

/// Records an action of the caller's own, in its transaction.
pub async fn record_in(
    tx: &mut PgConnection,
    by: Actor<'_>,
    action: &str,
    target: impl std::fmt::Display,
    details: Value,
) -> Result<(), AdminError> {
    crate::admin::check_reason(by)?;
    Ok(store::record(tx, by, action, target, details).await?)
}
