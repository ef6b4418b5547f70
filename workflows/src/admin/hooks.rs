//! What workflows want to be told when a decision of somebody ends a run, or makes it live again.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use sqlx::PgConnection;

use crate::define::ids::RunId;
use crate::store::error::StoreError;
use crate::{
    admin::{Actor, AdminError},
    define::{
        panics,
        record::BoxError,
        workflow::{Definition, Outcome, Revival, RunEnd},
    },
    protocol::state::RunState,
    store::runs::{About, subjects},
};

/// Tells the hooks of runs that were cancelled. A hook that fails takes the action back.
pub(crate) async fn cancelled(
    tx: &mut PgConnection,
    runs: &[RunId],
    by: Actor<'_>,
) -> Result<(), AdminError> {
    for (run, definition) in to_tell(tx, runs, by).await? {
        let end = RunEnd {
            run_id: run.run_id,
            subject: run.subject,
            outcome: Outcome::Cancelled {
                by: by.name.to_owned(),
                reason: by.reason.to_owned(),
            },
        };
        call(definition.ended(&mut *tx, end)).await?;
    }
    Ok(())
}

/// Tells the hooks of runs that live again, from a step or from where they died. A run that still has a
/// dead task stays dead and is not told of. A hook that fails takes the action back.
pub(crate) async fn revived(
    tx: &mut PgConnection,
    runs: &[RunId],
    from_step: Option<&str>,
    by: Actor<'_>,
) -> Result<(), AdminError> {
    for (run, definition) in to_tell(tx, runs, by).await? {
        if run.state != RunState::Running {
            continue;
        }
        let revival = Revival {
            run_id: run.run_id,
            subject: run.subject,
            from_step: from_step.map(ToOwned::to_owned),
        };
        call(definition.revived(&mut *tx, revival)).await?;
    }
    Ok(())
}

/// Runs whose workflow has hooks, with its definition, by ascending id.
async fn to_tell<'h>(
    tx: &mut PgConnection,
    runs: &[RunId],
    by: Actor<'h>,
) -> Result<Vec<(About, &'h Arc<Definition>)>, StoreError> {
    let Some(hooks) = by.hooks else {
        return Ok(Vec::new());
    };
    let rows = subjects(tx, runs).await?.into_iter();
    let known = rows.filter_map(|run| {
        let definition = hooks.workflows.get(&(run.workflow.clone(), run.version))?;
        Some((run, definition))
    });
    Ok(known.collect())
}

/// Calls a hook. A panic counts as an error of it.
async fn call(hook: impl Future<Output = Result<(), BoxError>>) -> Result<(), AdminError> {
    match AssertUnwindSafe(hook).catch_unwind().await {
        Ok(told) => told.map_err(AdminError::Hook),
        Err(panic) => {
            let panicked = panics::Panicked(panics::message(&*panic));
            Err(AdminError::Hook(Box::new(panicked)))
        }
    }
}
