//! The steps of a workflow with their types erased, as a worker runs them.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;

use crate::define::{
    payload::{Payload, UnstorableOutput},
    record::Write,
    step::{Attempt, Step, StepError},
};

/// What an attempt brought, with its output as JSON.
pub(crate) struct Performed {
    pub output: Payload,
    pub writes: Vec<Arc<dyn Write>>,
    pub alone: bool,
    pub sleep: Duration,
}

pub(crate) type Performing<'a> = BoxFuture<'a, Result<Performed, StepError>>;
type RunStep<C> = for<'a> fn(&'a Attempt<C>, &'a Payload) -> Performing<'a>;

/// Runs the steps of one workflow, by durable name.
pub(crate) trait Handler<C>: Send + Sync {
    /// `None`: there is no such step.
    fn run<'a>(
        &self,
        step: &str,
        attempt: Attempt<C>,
        input: &'a Payload,
    ) -> Option<Performing<'a>>;
}

/// The functions of the steps.
pub(crate) struct Steps<C>(Vec<(&'static str, RunStep<C>)>);

impl<C: Send + Sync + 'static> Steps<C> {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    pub fn push<S: Step<Context = C>>(&mut self) {
        self.0.push((S::NAME, run::<S>));
    }
}

impl<C: Send + Sync + 'static> Handler<C> for Steps<C> {
    fn run<'a>(
        &self,
        step: &str,
        attempt: Attempt<C>,
        input: &'a Payload,
    ) -> Option<Performing<'a>> {
        let (_, run) = *self.0.iter().find(|(name, _)| *name == step)?;
        Some(Box::pin(async move { run(&attempt, input).await }))
    }
}

/// Steps with what they work with.
pub(crate) struct Given<C> {
    pub steps: Arc<dyn Handler<C>>,
    pub context: Arc<C>,
}

impl<C: Send + Sync + 'static> Handler<()> for Given<C> {
    fn run<'a>(&self, step: &str, attempt: Attempt, input: &'a Payload) -> Option<Performing<'a>> {
        let attempt = attempt.with(Arc::clone(&self.context));
        self.steps.run(step, attempt, input)
    }
}

fn run<'a, S: Step>(cx: &'a Attempt<S::Context>, input: &'a Payload) -> Performing<'a> {
    Box::pin(async move {
        let input = input.decode().map_err(|e| StepError::Fail {
            source: Box::new(UndecodableInput(e)),
        })?;
        let done = S::run(cx, input).await?;
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

#[derive(Debug, thiserror::Error)]
#[error("the task's input does not decode")]
struct UndecodableInput(#[source] serde_json::Error);
