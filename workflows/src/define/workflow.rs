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

mod definition;

use std::{marker::PhantomData, sync::Arc};

use futures::future::BoxFuture;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::define::{
    detail::Detail,
    results::Results,
    step::{BoxError, FanOut, Joined, Missing, Rejection, Step},
};
pub(crate) use definition::{Definition, Handler, Performed, StepDefinition, Then};

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
            events: Detail::None,
            on_revive: None,
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

    /// Runs in the transaction that rejects a run: the caller records the decision there.
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

    /// Runs in the transaction in which a run goes on that was dead, or starts again that had ended.
    /// When the hook fails, that does not happen: whoever asked for it is told why.
    #[must_use]
    pub fn on_revive<H>(mut self, hook: H) -> Self
    where
        H: for<'c> Fn(&'c mut PgConnection, Revival) -> BoxFuture<'c, Result<(), BoxError>>
            + Send
            + Sync
            + 'static,
    {
        self.definition.on_revive = Some(Arc::new(hook));
        self
    }

    /// What is told of its runs in the stream of [`events`](crate::client::events). Without this, nothing.
    #[must_use]
    pub fn events(mut self, detail: Detail) -> Self {
        self.definition.events = detail;
        self
    }

    /// As [`build`](Self::build), and what waits for results of the type that the last step hands on.
    ///
    /// # Panics
    /// As [`build`](Self::build).
    pub fn build_typed(self) -> (Workflow<I>, Results<O>) {
        let results = Results::new(self.definition.name, self.definition.version);
        (self.build(), results)
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

/// A run that lives again, as its hook sees it.
#[derive(Debug, Clone)]
pub struct Revival {
    /// The run.
    pub run_id: Uuid,
    /// What it is about.
    pub subject: Uuid,
    /// The step that it starts again from; `None` when it goes on where it died.
    pub from_step: Option<String>,
}

pub(crate) type ReviveHook = Arc<
    dyn for<'c> Fn(&'c mut PgConnection, Revival) -> BoxFuture<'c, Result<(), BoxError>>
        + Send
        + Sync,
>;
