//! Row locks of operators' actions: always runs first, by ascending id.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    admin::{AdminError, not_found},
    store::lock,
};

/// A run under its lock.
pub(crate) struct Locked {
    pub state: String,
    pub paused_at: Option<DateTime<Utc>>,
}

/// Locks a run.
pub(crate) async fn run(tx: &mut PgConnection, run_id: Uuid) -> Result<Locked, AdminError> {
    lock::runs(tx, &[run_id]).await?;
    sqlx::query_as!(
        Locked,
        "SELECT state, paused_at FROM workflows.runs WHERE run_id = $1",
        run_id
    )
    .fetch_optional(tx)
    .await?
    .ok_or_else(|| not_found("run", run_id))
}

/// Locks a run that has not ended.
pub(crate) async fn live_run(tx: &mut PgConnection, run_id: Uuid) -> Result<Locked, AdminError> {
    let run = run(tx, run_id).await?;
    match run.state.as_str() {
        "running" | "dead" => Ok(run),
        ended => Err(AdminError::Conflict(format!(
            "the run has ended: it is {ended}"
        ))),
    }
}

/// Locks those of the runs that nobody else has locked, and says which.
pub(crate) async fn free_runs(
    tx: &mut PgConnection,
    runs: &[Uuid],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let locked = sqlx::query_scalar!(
        "SELECT run_id FROM workflows.runs WHERE run_id = ANY($1)
         ORDER BY run_id FOR NO KEY UPDATE SKIP LOCKED",
        runs,
    )
    .fetch_all(tx)
    .await?;
    Ok(locked.into_iter().collect())
}
