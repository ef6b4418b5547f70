//! Starting runs, as part of the caller's own transaction.

use std::{marker::PhantomData, time::Duration};

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::define::ids::RunId;
use crate::{
    client::hints::{self, Hint, Hints},
    define::{
        detail::Detail,
        panics::caught,
        payload::Payload,
        run::StartError,
        workflow::{Definition, Workflow},
    },
    store,
};

/// The typed entry of one workflow, for those who start runs and need not know its steps.
pub struct Starter<I> {
    workflow: &'static str,
    version: i32,
    step: &'static str,
    queue: &'static str,
    priority: i16,
    trace_parent: Option<String>,
    unique_key: Option<String>,
    delay: Duration,
    hints: Option<Hints>,
    /// The start is an event, even if no build has said so to the database yet.
    tells: bool,
    input: PhantomData<fn(I)>,
}

impl<I> Clone for Starter<I> {
    fn clone(&self) -> Self {
        Self {
            trace_parent: self.trace_parent.clone(),
            unique_key: self.unique_key.clone(),
            hints: self.hints.clone(),
            input: PhantomData,
            ..*self
        }
    }
}

impl<I: Serialize, C> Workflow<I, C> {
    /// The entry for those who start runs and need not know the steps.
    pub fn starter(&self) -> Starter<I> {
        Starter::new(&self.definition)
    }
}

impl<I: Serialize> Starter<I> {
    pub(crate) fn new(definition: &Definition) -> Self {
        let first = definition.first();
        Self {
            workflow: definition.name,
            version: definition.version,
            step: first.name,
            queue: first.queue,
            priority: 0,
            trace_parent: None,
            unique_key: None,
            delay: Duration::ZERO,
            hints: None,
            tells: definition.events > Detail::None,
            input: PhantomData,
        }
    }

    /// Orders the runs of one fairness key: a run is ranked as if it had been started `minutes` later.
    /// Lower goes first: -5 is a head start of five minutes. So urgent runs go first, and no run waits for
    /// ever. Between
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

    /// Among the runs of this workflow that have not ended, at most one has this key: a second start
    /// changes nothing and returns the run that is there.
    #[must_use]
    pub fn unique(mut self, key: impl Into<String>) -> Self {
        self.unique_key = Some(key.into());
        self
    }

    /// The first step becomes due so long after the start, within about a second.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Tells workers of the run when it is committed. Without hints they find it within about a
    /// second.
    #[must_use]
    pub fn hinting(mut self, hints: &Hints) -> Self {
        self.hints = Some(hints.clone());
        self
    }

    /// Inserts a run and its first task. They exist when the caller's transaction commits.
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
        let input = caught(|| Payload::encode(input))
            .map_err(|panic| StartError::Panicked(panic.to_string()))?
            .map_err(StartError::Input)?;
        let run = store::start::NewRun {
            run_id: RunId(Uuid::now_v7()),
            workflow: self.workflow,
            version: self.version,
            subject,
            fairness_key,
            priority: self.priority,
            trace_parent: self.trace_parent.as_deref(),
            unique_key: self.unique_key.as_deref(),
            delay: self.delay,
            step: self.step,
            queue: self.queue,
            input: &input,
            tells: self.tells,
        };
        let started = store::start::insert_run(transaction, &run).await?;
        if !started.existing && self.delay.is_zero() {
            let hint = Hint {
                lane: started.lane,
                transaction: started.transaction,
            };
            hints::give(self.hints.as_ref(), hint);
        }
        tracing::debug!(run.id = %started.run_id, run.workflow = self.workflow, "run started");
        Ok(started.run_id)
    }
}
