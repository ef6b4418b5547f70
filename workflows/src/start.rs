//! Starting runs, as part of the caller's own transaction.

use std::{fmt, marker::PhantomData};

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{step::Step, store, workflow::Definition};

/// Identity of a run (`UUIDv7`: sorts by time of start).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub Uuid);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The typed entry of one workflow, for those who start runs and need not know its steps.
pub struct Starter<I> {
    workflow: &'static str,
    version: i32,
    step: &'static str,
    queue: &'static str,
    priority: i16,
    trace_parent: Option<String>,
    input: PhantomData<fn(I)>,
}

impl<I> Clone for Starter<I> {
    fn clone(&self) -> Self {
        Self {
            trace_parent: self.trace_parent.clone(),
            input: PhantomData,
            ..*self
        }
    }
}

/// A run that could not be started. The caller's transaction should be rolled back.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The input has no JSON form.
    #[error("the run's input does not encode")]
    Input(#[source] serde_json::Error),
    /// The database refused or was lost.
    #[error("the run could not be stored")]
    Database(#[from] sqlx::Error),
}

impl<I: Serialize> Starter<I> {
    pub(crate) fn new(definition: &Definition) -> Self {
        let first = definition.first();
        let (workflow, version) = (definition.name, definition.version);
        Self {
            workflow,
            version,
            step: first.name,
            queue: first.queue,
            priority: 0,
            trace_parent: None,
            input: PhantomData,
        }
    }

    /// The entry of a workflow whose first step is `S`, for a process that starts runs and has
    /// nothing that its steps need. The same as [`Workflow::starter`](crate::Workflow::starter).
    pub fn at<S: Step<Input = I>>(workflow: &'static str, version: i32) -> Self {
        Self {
            workflow,
            version,
            step: S::NAME,
            queue: S::QUEUE,
            priority: 0,
            trace_parent: None,
            input: PhantomData,
        }
    }

    /// Orders the runs of one fairness key: a run is treated as if it had been started `minutes`
    /// later, or earlier if negative. So urgent runs go first and no run waits for ever. Between
    /// keys priorities say nothing: keys take turns.
    #[must_use]
    pub fn priority(mut self, minutes: i16) -> Self {
        self.priority = minutes;
        self
    }

    /// The W3C trace context (`traceparent`) that the run's steps go on with.
    #[must_use]
    pub fn trace_parent(mut self, trace_parent: Option<String>) -> Self {
        self.trace_parent = trace_parent;
        self
    }

    /// Inserts a run and its first task. They exist when the caller's transaction commits, and
    /// workers hear of it then.
    ///
    /// `subject` is what the run is about, in the caller's terms; work is shared fairly between
    /// `fairness_key`s (owners, tenants).
    pub async fn start(
        &self,
        transaction: &mut PgConnection,
        subject: Uuid,
        fairness_key: &str,
        input: &I,
    ) -> Result<RunId, StartError> {
        let input = serde_json::to_value(input).map_err(StartError::Input)?;
        let run_id = Uuid::now_v7();
        let run = store::start::NewRun {
            run_id,
            workflow: self.workflow,
            version: self.version,
            subject,
            fairness_key,
            priority: self.priority,
            trace_parent: self.trace_parent.as_deref(),
            step: self.step,
            queue: self.queue,
            input: &input,
        };
        store::start::insert_run(transaction, &run).await?;
        tracing::debug!(run.id = %run_id, run.workflow = self.workflow, "run started");
        Ok(RunId(run_id))
    }
}
