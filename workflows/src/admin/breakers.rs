//! Breakers, for people: which outside services are down, and since when.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgPool;

use crate::define::ids::LaneId;
use crate::store;
use crate::store::error::StoreError;

/// An outside service that is down. Tasks of the steps that need it wait where they are, but for one at a time that
/// tries whether it is back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breaker {
    /// The name under which steps need it.
    pub dependency: String,
    /// When it opened: the first failure of the outage.
    pub since: DateTime<Utc>,
    /// When the next task may try.
    pub probe_at: DateTime<Utc>,
    /// The last error.
    pub error: String,
    /// Where tasks failed for it.
    #[serde(skip)]
    pub(super) lanes: Vec<LaneId>,
}

impl Breaker {
    /// Whether tasks of a lane wait for it, whose step declares that it needs `declared`.
    pub(super) fn holds(&self, lane: LaneId, declared: &[String]) -> bool {
        self.lanes.contains(&lane) || declared.contains(&self.dependency)
    }
}

/// Those that are open, by name.
pub async fn list(pool: &PgPool) -> Result<Vec<Breaker>, StoreError> {
    let open = store::breakers::list(pool).await?.into_iter();
    let breakers = open.map(|open| Breaker {
        dependency: open.dependency,
        since: open.since,
        probe_at: open.probe_at,
        error: open.error,
        lanes: open.lanes,
    });
    Ok(breakers.collect())
}
