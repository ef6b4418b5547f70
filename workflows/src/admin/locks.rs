//! Row locks of operators' actions: always runs first, by ascending id.

use sqlx::PgConnection;

use crate::define::ids::RunId;
use crate::{
    admin::{AdminError, Conflict, not_found},
    store::{
        lock,
        runs::{self, Locked},
    },
};

/// Locks a run.
pub(crate) async fn run(tx: &mut PgConnection, run_id: RunId) -> Result<Locked, AdminError> {
    lock::runs(tx, &[run_id]).await?;
    runs::locked(tx, run_id)
        .await?
        .ok_or_else(|| not_found("run", run_id))
}

/// Locks a run that has not ended.
pub(crate) async fn live_run(tx: &mut PgConnection, run_id: RunId) -> Result<Locked, AdminError> {
    let run = run(tx, run_id).await?;
    if run.state.has_ended() {
        return Err(Conflict::RunEnded(run.state).into());
    }
    Ok(run)
}
