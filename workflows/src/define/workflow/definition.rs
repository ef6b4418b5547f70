//! A route with its types erased, as the runtime walks it.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use sqlx::PgConnection;

use crate::define::{
    detail::Detail,
    lane::Lane,
    payload::{Payload, UnstorableOutput},
    shape::{self, Shape},
    step::{BoxError, Step, StepContext, StepError, StepSettings, Write},
    workflow::{EndHook, Outcome, RejectHook, Revival, ReviveHook, RunEnd},
};

/// A route with its types erased, as the runtime walks it.
pub(crate) struct Definition {
    pub name: &'static str,
    pub version: i32,
    pub steps: Vec<StepDefinition>,
    pub on_reject: Option<RejectHook>,
    pub on_end: Option<EndHook>,
    pub on_revive: Option<ReviveHook>,
    pub events: Detail,
}

pub(crate) struct StepDefinition {
    pub name: &'static str,
    pub queue: &'static str,
    pub settings: StepSettings,
    /// Outside services without which it cannot work.
    pub needs: &'static [&'static str],
    pub handler: Arc<dyn Handler>,
    pub then: Then,
    /// Finds the shape of the step's input.
    pub shape: fn() -> Shape,
}

/// What follows a step, by durable name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    End,
    Step(&'static str),
    FanOut {
        child: &'static str,
        join: &'static str,
        /// The join is told of dead children, instead of waiting for them.
        partial: bool,
    },
    Join,
}

impl Definition {
    pub fn step(&self, name: &str) -> Option<&StepDefinition> {
        self.steps.iter().find(|s| s.name == name)
    }

    /// Where tasks of the step wait.
    pub fn lane(&self, step: &StepDefinition) -> Lane {
        Lane {
            queue: step.queue,
            workflow: self.name,
            version: self.version,
            step: step.name,
        }
    }

    /// Tells the hooks that a run has ended.
    pub async fn ended(&self, tx: &mut PgConnection, end: RunEnd) -> Result<(), BoxError> {
        if let (Some(hook), Outcome::Rejected(rejected)) = (&self.on_reject, &end.outcome) {
            hook(&mut *tx, end.subject, rejected.clone()).await?;
        }
        match &self.on_end {
            Some(hook) => hook(tx, end).await,
            None => Ok(()),
        }
    }

    /// Tells the hook that a run lives again.
    pub async fn revived(&self, tx: &mut PgConnection, revival: Revival) -> Result<(), BoxError> {
        match &self.on_revive {
            Some(hook) => hook(tx, revival).await,
            None => Ok(()),
        }
    }

    pub fn first(&self) -> &StepDefinition {
        &self.steps[0]
    }

    pub fn push<S: Step>(&mut self, step: S, link: impl FnOnce(&'static str) -> Then) {
        if let Some(last) = self.steps.last_mut() {
            last.then = link(S::NAME);
        }
        self.push_unlinked(step);
    }

    pub fn push_unlinked<S: Step>(&mut self, step: S) {
        self.steps.push(StepDefinition {
            name: S::NAME,
            queue: S::QUEUE,
            settings: step.settings(),
            needs: S::NEEDS,
            handler: Arc::new(Erased(step)),
            then: Then::End,
            shape: shape::of::<S::Input>,
        });
    }
}

/// What an attempt brought, with its output as JSON.
pub(crate) struct Performed {
    pub output: Payload,
    pub writes: Vec<Write>,
    pub alone: bool,
    pub sleep: Duration,
}

/// A [`Step`] behind one type.
pub(crate) trait Handler: Send + Sync {
    fn run<'a>(
        &'a self,
        context: &'a StepContext,
        input: &'a Payload,
    ) -> BoxFuture<'a, Result<Performed, StepError>>;

    /// Whether the step could read this input. Nothing runs.
    fn accepts(&self, input: &str) -> Result<(), serde_json::Error>;
}

struct Erased<S>(S);

impl<S: Step> Handler for Erased<S> {
    fn run<'a>(
        &'a self,
        context: &'a StepContext,
        input: &'a Payload,
    ) -> BoxFuture<'a, Result<Performed, StepError>> {
        Box::pin(async move {
            let input = input.decode().map_err(|e| StepError::Fail {
                source: Box::new(UndecodableInput(e)),
            })?;
            let done = self.0.run(context, input).await?;
            let output = Payload::encode(&done.output).map_err(|e| StepError::Fail {
                source: Box::new(UnstorableOutput(e)),
            })?;
            Ok(Performed {
                output,
                writes: done.writes,
                alone: done.alone,
                sleep: done.sleep,
            })
        })
    }

    fn accepts(&self, input: &str) -> Result<(), serde_json::Error> {
        serde_json::from_str::<S::Input>(input).map(drop)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the task's input does not decode")]
struct UndecodableInput(#[source] serde_json::Error);
