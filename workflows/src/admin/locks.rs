//! Row locks of operators' actions: always runs first, by ascending id.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{admin::Conflict, protocol::state::RunState};
use crate::{
    admin::{AdminError, not_found},
    store::lock,
};

/// A run under its lock.
pub(crate) struct Locked {
    pub state: RunState,
    pub paused_at: Option<DateTime<Utc>>,
}

/// Locks a run.
pub(crate) async fn run(tx: &mut PgConnection, run_id: Uuid) -> Result<Locked, AdminError> {
    lock::runs(tx, &[run_id]).await?;
    sqlx::query_as!(
        Locked,
        r#"SELECT state AS "state: RunState", paused_at FROM workflows.runs WHERE run_id = $1"#,
        run_id
    )
    .fetch_optional(tx)
    .await?
    .ok_or_else(|| not_found("run", run_id))
}

/// Locks a run that has not ended.
pub(crate) async fn live_run(tx: &mut PgConnection, run_id: Uuid) -> Result<Locked, AdminError> {
    let run = run(tx, run_id).await?;
    if run.state.has_ended() {
        return Err(Conflict::RunEnded(run.state).into());
    }
    Ok(run)
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
