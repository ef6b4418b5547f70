//! Starting a run again that is over: to do it anew with a new build, or to take a decision back.

use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::define::ids::RunId;
use crate::store::error::StoreError;
use crate::{
    admin::{
        Actor, AdminError, Conflict, Hints, check_reason,
        hints::{begin, finish},
        hooks, locks,
    },
    protocol::{
        failpoints::Failpoint,
        state::{Resolution, RunState},
    },
    store::{audit, clear::clear, requeue},
};

/// Starts a run again that has ended or is dead, as the same run: from a step that it has been
/// through, or from its first step with its input. What it had ended with is forgotten; its history
/// stays. Of the runs of its fairness key it goes last then, unless it was dead.
///
/// A run whose unique key another run has by now cannot start again: [`AdminError::Conflict`].
pub async fn restart(
    pool: &PgPool,
    run_id: RunId,
    from_step: Option<&str>,
    by: Actor<'_>,
) -> Result<(), AdminError> {
    let mut transaction = begin(pool).await?;
    let hints = restart_in(&mut transaction, run_id, from_step, by).await?;
    finish(pool, transaction, Failpoint::Restart, hints).await?;
    tracing::info!(run.id = %run_id, actor = by.name, "run restarted");
    Ok(())
}

/// [`restart`] as part of the caller's transaction.
pub async fn restart_in(
    tx: &mut PgConnection,
    run_id: RunId,
    from_step: Option<&str>,
    by: Actor<'_>,
) -> Result<Hints, AdminError> {
    check_reason(by)?;
    let run = locks::run(tx, run_id).await?;
    if run.state == RunState::Running {
        return Err(Conflict::RunGoesOn.into());
    }
    let entry = match from_step {
        Some(step) => requeue::entries(tx, &[run_id], step).await?.pop(),
        None => None,
    };
    let (entry, step) = match (entry, from_step) {
        (Some(entry), Some(step)) => (entry, step.to_owned()),
        _ => from_the_start(tx, run_id, from_step).await?,
    };
    let under_way = clear(tx, &[run_id], Resolution::Redriven, by).await?;
    let queues = requeue::restart(tx, &[entry], by).await.map_err(refused)?;
    hooks::revived(tx, &[run_id], Some(&step), by).await?;
    let details = json!({ "from_step": from_step, "was": run.state });
    audit::record(tx, by, "run.restart", run_id, details).await?;
    Ok(Hints::queues(queues).and(Hints::stopping(&under_way)))
}

/// The run's first step with the run's input, and its name, if that is the step that was asked for.
async fn from_the_start(
    tx: &mut PgConnection,
    run_id: RunId,
    from_step: Option<&str>,
) -> Result<(requeue::Entry, String), AdminError> {
    let first = requeue::first_entry(tx, run_id).await?;
    let right = first.filter(|(_, step)| from_step.is_none_or(|asked| asked == step));
    match (right, from_step) {
        (Some(first), _) => Ok(first),
        (None, Some(step)) => Err(Conflict::StepNotReached {
            step: step.to_owned(),
        }
        .into()),
        (None, None) => Err(Conflict::FirstStepUnknown.into()),
    }
}

fn refused(error: StoreError) -> AdminError {
    if error.constraint() == Some("runs_unique") {
        return Conflict::UniqueKeyTaken.into();
    }
    error.into()
}
