//! Breakers, for people: which outside services are down, and since when.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgPool;

/// An outside service that is down. Tasks of the steps that need it wait where they are, but for one at a time that
/// tries whether it is back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breaker {
    /// The name under which steps need it.
    pub dependency: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When the next task may try.
    pub probe_at: DateTime<Utc>,
    /// The last error.
    pub error: String,
}

/// Those that are open, by name.
pub async fn list(pool: &PgPool) -> Result<Vec<Breaker>, sqlx::Error> {
    sqlx::query_as!(
        Breaker,
        "SELECT dependency, opened_at AS since, probe_at, error FROM workflows.breakers
         ORDER BY dependency"
    )
    .fetch_all(pool)
    .await
}
