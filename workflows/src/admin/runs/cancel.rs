//! Ending runs by decision.

use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::define::ids::RunId;
use crate::{
    admin::{
        Actor, AdminError, Hints, check_reason,
        hints::{begin, finish},
        hooks, locks,
    },
    protocol::{failpoints::Failpoint, state::Resolution},
    store::{
        audit,
        clear::{UnderWay, clear},
        runs,
    },
};

/// Ends a run now. Its tasks are gone when this returns; attempts under way can write nothing any
/// more and are stopped within a second.
pub async fn cancel(pool: &PgPool, run_id: RunId, by: Actor<'_>) -> Result<(), AdminError> {
    let mut transaction = begin(pool).await?;
    let hints = cancel_in(&mut transaction, run_id, by).await?;
    finish(pool, transaction, Failpoint::Cancel, hints).await?;
    tracing::info!(run.id = %run_id, actor = by.name, "run cancelled");
    Ok(())
}

/// [`cancel`] as part of the caller's transaction.
pub async fn cancel_in(
    tx: &mut PgConnection,
    run_id: RunId,
    by: Actor<'_>,
) -> Result<Hints, AdminError> {
    check_reason(by)?;
    locks::live_run(tx, run_id).await?;
    let under_way = end(tx, &[run_id], by).await?;
    let attempts: i64 = under_way.iter().map(|stopped| stopped.attempts).sum();
    let details = json!({ "attempts_stopped": attempts });
    audit::record(tx, by, "run.cancel", run_id, details).await?;
    Ok(Hints::stopping(&under_way))
}

/// Takes all that is left of locked runs away and marks them cancelled: the one place where a
/// decision of somebody ends a run, by a cancel or by a discard. Returns what was
/// under way.
pub(in crate::admin) async fn end(
    tx: &mut PgConnection,
    runs: &[RunId],
    by: Actor<'_>,
) -> Result<Vec<UnderWay>, AdminError> {
    runs::cancel(tx, runs, by).await?;
    let under_way = clear(tx, runs, Resolution::Discarded, by).await?;
    hooks::cancelled(tx, runs, by).await?;
    Ok(under_way)
}
