//! Pausing runs, and letting them go on.

use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::define::ids::RunId;
use crate::{
    admin::{
        Actor, AdminError, Conflict, Hints, check_reason,
        hints::{begin, finish},
        locks,
    },
    protocol::failpoints::Failpoint,
    store::{audit, runs, tasks},
};

/// Holds a run: what is under way ends its step, and nothing else of it begins.
pub async fn pause(pool: &PgPool, run_id: RunId, by: Actor<'_>) -> Result<(), AdminError> {
    let mut transaction = begin(pool).await?;
    let hints = pause_in(&mut transaction, run_id, by).await?;
    finish(pool, transaction, Failpoint::Pause, hints).await
}

/// [`pause`] as part of the caller's transaction.
pub async fn pause_in(
    tx: &mut PgConnection,
    run_id: RunId,
    by: Actor<'_>,
) -> Result<Hints, AdminError> {
    check_reason(by)?;
    if locks::live_run(tx, run_id).await?.paused_at.is_some() {
        return Err(Conflict::RunPaused.into());
    }
    runs::pause(tx, run_id, by).await?;
    audit::record(tx, by, "run.pause", run_id, json!({})).await?;
    Ok(Hints::default())
}

/// Lets a paused run go on, retries at once.
pub async fn resume(pool: &PgPool, run_id: RunId, by: Actor<'_>) -> Result<(), AdminError> {
    let mut transaction = begin(pool).await?;
    let hints = resume_in(&mut transaction, run_id, by).await?;
    finish(pool, transaction, Failpoint::Resume, hints).await
}

/// [`resume`] as part of the caller's transaction.
pub async fn resume_in(
    tx: &mut PgConnection,
    run_id: RunId,
    by: Actor<'_>,
) -> Result<Hints, AdminError> {
    check_reason(by)?;
    if locks::live_run(tx, run_id).await?.paused_at.is_none() {
        return Err(Conflict::RunNotPaused.into());
    }
    let waiting = runs::resume(tx, run_id).await?;
    let lanes = tasks::make_ready(tx, &waiting).await?;
    audit::record(tx, by, "run.resume", run_id, json!({})).await?;
    Ok(Hints::lanes(lanes))
}
