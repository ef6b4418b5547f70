//! What workflows want to be told when a decision of somebody ends a run, or makes it live again.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::protocol::state::RunState;
use crate::{
    admin::{AdminError, By},
    define::{
        panics,
        record::BoxError,
        workflow::{Definition, Outcome, Revival, RunEnd},
    },
};

/// Tells the hooks of runs that were cancelled. A hook that fails takes the action back.
pub(crate) async fn cancelled(
    tx: &mut PgConnection,
    runs: &[Uuid],
    by: By<'_>,
) -> Result<(), AdminError> {
    for (run, definition) in told(tx, runs, by).await? {
        let end = RunEnd {
            run_id: run.run_id,
            subject: run.subject,
            outcome: Outcome::Cancelled {
                by: by.actor.to_owned(),
                reason: by.reason.to_owned(),
            },
        };
        settled(definition.ended(&mut *tx, end)).await?;
    }
    Ok(())
}

/// Tells the hooks of those of the runs that live again: from a step, or from where they died. One
/// that still has a dead task is dead. A hook that fails takes the action back.
pub(crate) async fn revived(
    tx: &mut PgConnection,
    runs: &[Uuid],
    from_step: Option<&str>,
    by: By<'_>,
) -> Result<(), AdminError> {
    for (run, definition) in told(tx, runs, by).await? {
        if run.state != RunState::Running {
            continue;
        }
        let revival = Revival {
            run_id: run.run_id,
            subject: run.subject,
            from_step: from_step.map(ToOwned::to_owned),
        };
        settled(definition.revived(&mut *tx, revival)).await?;
    }
    Ok(())
}

struct Told {
    run_id: Uuid,
    workflow: String,
    version: i32,
    subject: Uuid,
    state: RunState,
}

/// Those of the runs whose workflows are to be told, in the order of their ids.
async fn told<'h>(
    tx: &mut PgConnection,
    runs: &[Uuid],
    by: By<'h>,
) -> Result<Vec<(Told, &'h Arc<Definition>)>, sqlx::Error> {
    let Some(hooks) = by.hooks else {
        return Ok(Vec::new());
    };
    let rows = sqlx::query_as!(
        Told,
        r#"SELECT run_id, workflow, version, subject, state AS "state: RunState" FROM workflows.runs
           WHERE run_id = ANY($1) ORDER BY run_id"#,
        runs,
    );
    let rows = rows.fetch_all(tx).await?.into_iter();
    let known = rows.filter_map(|run| {
        let definition = hooks.workflows.get(&(run.workflow.clone(), run.version))?;
        Some((run, definition))
    });
    Ok(known.collect())
}

/// What a hook said; a panic of it is its refusal.
async fn settled(telling: impl Future<Output = Result<(), BoxError>>) -> Result<(), AdminError> {
    match AssertUnwindSafe(telling).catch_unwind().await {
        Ok(told) => told.map_err(AdminError::Hook),
        Err(panic) => {
            let panicked = panics::Panicked(panics::message(&*panic));
            Err(AdminError::Hook(Box::new(panicked)))
        }
    }
}
