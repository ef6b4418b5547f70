//! The typed route: step N's output type is step N+1's input type, or it does not compile.
//!
//! ```compile_fail
//! # use workflows::{Done, Step, StepContext, StepError, Workflow};
//! # struct Text;
//! # impl Step for Text {
//! #     const NAME: &'static str = "text";
//! #     type Input = i64;
//! #     type Output = String;
//! #     async fn run(&self, _: &StepContext, n: i64) -> Result<Done<String>, StepError> {
//! #         Ok(Done::new(n.to_string()))
//! #     }
//! # }
//! // `Text` hands on a String and takes an i64: it cannot follow itself.
//! let route: Workflow<i64> = Workflow::named("wrong", 1).step(Text).step(Text).build();
//! ```

use std::{marker::PhantomData, sync::Arc};

use futures::future::BoxFuture;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Starter,
    payload::Payload,
    plan::UnstorableOutput,
    shape::{self, Shape},
    step::{
        BoxError, FanOut, Joined, Missing, Rejection, Step, StepContext, StepError, StepSettings,
        Write,
    },
    store::lanes::Lane,
};

/// A complete route whose runs start from an `I`.
pub struct Workflow<I> {
    pub(crate) definition: Arc<Definition>,
    input: PhantomData<fn(I)>,
}

impl<I: Serialize> Workflow<I> {
    /// Begins a route. `name` and `version` are written with every run; raise the version when a
    /// change would make runs in flight meet steps they cannot continue with.
    pub fn named(name: &'static str, version: i32) -> Route<I, I> {
        let definition = Definition {
            name,
            version,
            steps: Vec::new(),
            on_reject: None,
            on_end: None,
        };
        Route {
            definition,
            types: PhantomData,
        }
    }

    /// The durable name.
    pub fn name(&self) -> &'static str {
        self.definition.name
    }

    /// The entry for those who start runs and need not know the steps.
    pub fn starter(&self) -> Starter<I> {
        Starter::new(&self.definition)
    }
}

/// A route under construction: it starts from an `I`, and its last step so far hands on an `O`.
pub struct Route<I, O> {
    definition: Definition,
    types: PhantomData<fn(I) -> O>,
}

impl<I, O> Route<I, O> {
    /// Appends a step that takes what the last one hands on.
    #[must_use]
    pub fn step<S: Step<Input = O>>(mut self, step: S) -> Route<I, S::Output> {
        self.definition.push(step, Then::Step);
        Route {
            definition: self.definition,
            types: PhantomData,
        }
    }

    /// Runs in the transaction that rejects a run: the caller records the verdict there.
    #[must_use]
    pub fn on_reject<H>(mut self, hook: H) -> Self
    where
        H: for<'c> Fn(&'c mut PgConnection, Uuid, Rejected) -> BoxFuture<'c, Result<(), BoxError>>
            + Send
            + Sync
            + 'static,
    {
        self.definition.on_reject = Some(Arc::new(hook));
        self
    }

    /// Runs in the transaction that ends a run, or that leaves it dead, however that comes about.
    /// The transaction is that run's alone. When the hook fails or panics, the run does not end: the
    /// attempt counts as failed, and is repeated.
    #[must_use]
    pub fn on_end<H>(mut self, hook: H) -> Self
    where
        H: for<'c> Fn(&'c mut PgConnection, RunEnd) -> BoxFuture<'c, Result<(), BoxError>>
            + Send
            + Sync
            + 'static,
    {
        self.definition.on_end = Some(Arc::new(hook));
        self
    }

    /// Ends the route.
    ///
    /// # Panics
    /// When the route has no step or two steps share a name: a mistake of the programmer that
    /// the first start shows.
    pub fn build(self) -> Workflow<I> {
        let mut names: Vec<_> = self.definition.steps.iter().map(|s| s.name).collect();
        names.sort_unstable();
        assert!(!names.is_empty(), "a workflow needs a step");
        let first = self.definition.steps[0].then;
        assert!(
            !matches!(first, Then::Join),
            "a workflow cannot begin with a fan-out"
        );
        assert!(
            names.windows(2).all(|w| w[0] != w[1]),
            "two steps share a name: {names:?}"
        );
        Workflow {
            definition: Arc::new(self.definition),
            input: PhantomData,
        }
    }
}

impl<I, C, P> Route<I, FanOut<C, P>> {
    /// Runs `step` once for each child of the [`FanOut`] that the last step handed on. When a child
    /// dies, the run waits for somebody to re-drive it.
    pub fn fan_out<S: Step<Input = C>>(self, step: S) -> FanningOut<I, P, S::Output> {
        self.fanning_out(step, false)
    }

    /// As [`fan_out`](Self::fan_out), but the run does not wait for dead children: their join gets
    /// [`Missing`] in their places.
    pub fn fan_out_partial<S: Step<Input = C>>(
        self,
        step: S,
    ) -> FanningOut<I, P, Result<S::Output, Missing>> {
        self.fanning_out(step, true)
    }

    fn fanning_out<S: Step<Input = C>, D>(mut self, step: S, partial: bool) -> FanningOut<I, P, D> {
        // The link from the last step is made by `join`, which knows both names.
        self.definition.push_unlinked(step);
        FanningOut {
            definition: self.definition,
            partial,
            types: PhantomData,
        }
    }
}

/// A fan-out that still needs its join.
#[must_use]
pub struct FanningOut<I, P, D> {
    definition: Definition,
    partial: bool,
    types: PhantomData<fn(I) -> (P, D)>,
}

impl<I, P, D> FanningOut<I, P, D> {
    /// The step that follows when every child is done. It runs exactly once per fan-out.
    pub fn join<S: Step<Input = Joined<P, D>>>(mut self, step: S) -> Route<I, S::Output> {
        let child = self.definition.steps.len() - 1;
        let child_name = self.definition.steps[child].name;
        self.definition.push_unlinked(step);
        self.definition.steps[child].then = Then::Join;
        if let Some(parent) = child.checked_sub(1) {
            self.definition.steps[parent].then = Then::FanOut {
                child: child_name,
                join: S::NAME,
                partial: self.partial,
            };
        }
        Route {
            definition: self.definition,
            types: PhantomData,
        }
    }
}

/// The rejection of a run, as its hook sees it.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// The step that refused.
    pub step: &'static str,
    /// Why.
    pub rejection: Rejection,
}

pub(crate) type RejectHook = Arc<
    dyn for<'c> Fn(&'c mut PgConnection, Uuid, Rejected) -> BoxFuture<'c, Result<(), BoxError>>
        + Send
        + Sync,
>;

/// How a run ended, as its hook sees it.
#[derive(Debug, Clone)]
pub struct RunEnd {
    /// The run.
    pub run_id: Uuid,
    /// What it was about.
    pub subject: Uuid,
    /// How it ended.
    pub outcome: Outcome,
}

/// The ways in which a run ends, and the one in which it waits for somebody.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The last step is done.
    Succeeded,
    /// A step refused the input.
    Rejected(Rejected),
    /// A task went to the dead letters. The run has not ended: it can be re-driven.
    Dead {
        /// The step that died.
        step: String,
        /// Its last error.
        error: String,
    },
    /// An operator cancelled it or discarded its dead letter.
    Cancelled {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

pub(crate) type EndHook = Arc<
    dyn for<'c> Fn(&'c mut PgConnection, RunEnd) -> BoxFuture<'c, Result<(), BoxError>>
        + Send
        + Sync,
>;

/// A route with its types erased, as the runtime walks it.
pub(crate) struct Definition {
    pub name: &'static str,
    pub version: i32,
    pub steps: Vec<StepDefinition>,
    pub on_reject: Option<RejectHook>,
    pub on_end: Option<EndHook>,
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

    pub fn first(&self) -> &StepDefinition {
        &self.steps[0]
    }

    fn push<S: Step>(&mut self, step: S, link: impl FnOnce(&'static str) -> Then) {
        if let Some(last) = self.steps.last_mut() {
            last.then = link(S::NAME);
        }
        self.push_unlinked(step);
    }

    fn push_unlinked<S: Step>(&mut self, step: S) {
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
