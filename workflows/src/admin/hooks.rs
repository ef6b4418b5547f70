//! What workflows want to be told when a decision of somebody ends a run.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{AdminError, By};
use crate::{
    panics,
    workflow::{Definition, Outcome, RunEnd, Workflow},
};

/// The hooks ([`Route::on_end`](crate::workflow::Route::on_end)) of some workflows. They run in the
/// transaction of the action.
#[derive(Clone, Default)]
pub struct Hooks {
    workflows: HashMap<(String, i32), Arc<Definition>>,
}

impl Hooks {
    /// Adds those of a workflow. No step of it runs.
    #[must_use]
    pub fn with<I>(mut self, workflow: &Workflow<I>) -> Self {
        let definition = Arc::clone(&workflow.definition);
        let key = (definition.name.to_owned(), definition.version);
        self.workflows.insert(key, definition);
        self
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.workflows.keys()).finish()
    }
}

/// Tells the hooks of runs that were cancelled. A hook that fails takes the action back.
pub(super) async fn cancelled(
    tx: &mut PgConnection,
    runs: &[Uuid],
    by: By<'_>,
) -> Result<(), AdminError> {
    let Some(hooks) = by.hooks else { return Ok(()) };
    let rows = sqlx::query!(
        "SELECT run_id, workflow, version, subject FROM workflows.runs WHERE run_id = ANY($1)
         ORDER BY run_id",
        runs,
    );
    for run in rows.fetch_all(&mut *tx).await? {
        let Some(definition) = hooks.workflows.get(&(run.workflow, run.version)) else {
            continue;
        };
        let end = RunEnd {
            run_id: run.run_id,
            subject: run.subject,
            outcome: Outcome::Cancelled {
                by: by.actor.to_owned(),
                reason: by.reason.to_owned(),
            },
        };
        let telling = AssertUnwindSafe(definition.ended(&mut *tx, end)).catch_unwind();
        match telling.await {
            Ok(told) => told.map_err(AdminError::Hook)?,
            Err(panic) => {
                let panicked = panics::Panicked(panics::message(&*panic));
                return Err(AdminError::Hook(Box::new(panicked)));
            }
        }
    }
    Ok(())
}
