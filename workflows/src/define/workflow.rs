//! The typed route: step N's output type is step N+1's input type, or it does not compile.
//!
//! ```compile_fail,E0271
//! # use workflows::{Attempt, Done, Step, StepError, Workflow};
//! # struct Text;
//! # impl Step for Text {
//! #     const NAME: &'static str = "text";
//! #     type Context = ();
//! #     type Input = i64;
//! #     type Output = String;
//! #     async fn run(_: &Attempt, n: i64) -> Result<Done<String>, StepError> {
//! #         Ok(Done::new(n.to_string()))
//! #     }
//! # }
//! // `Text` hands on a String and takes an i64: it cannot follow itself.
//! let route: Workflow<i64> = Workflow::named("wrong", 1).step::<Text>().step::<Text>().build();
//! ```
//!
//! So it is with what the process gives to the steps, which is one type for all steps of a workflow:
//!
//! ```compile_fail,E0271
//! # use workflows::{Attempt, Done, Step, StepError, Workflow};
//! # struct Count;
//! # impl Step for Count {
//! #     const NAME: &'static str = "count";
//! #     type Context = ();
//! #     type Input = i64;
//! #     type Output = i64;
//! #     async fn run(_: &Attempt, n: i64) -> Result<Done<i64>, StepError> {
//! #         Ok(Done::new(n))
//! #     }
//! # }
//! # struct Store;
//! # impl Step for Store {
//! #     const NAME: &'static str = "store";
//! #     type Context = sqlx::PgPool;
//! #     type Input = i64;
//! #     type Output = i64;
//! #     async fn run(_: &Attempt<sqlx::PgPool>, n: i64) -> Result<Done<i64>, StepError> {
//! #         Ok(Done::new(n))
//! #     }
//! # }
//! // `Count` is given nothing, and `Store` a pool.
//! let route = Workflow::named("wrong", 1).step::<Count>().step::<Store>().build();
//! ```

mod definition;
mod handler;
mod hooks;

use std::{marker::PhantomData, sync::Arc};

use serde::Serialize;

use crate::define::{
    detail::Detail,
    results::Results,
    step::{Alternative, FanOut, Joined, Missing, Step},
};
use definition::takes;
pub(crate) use definition::{Accepts, Definition, StepDefinition, Then};
use handler::{Given, Steps};
pub(crate) use handler::{Handler, Performed};
pub use hooks::{Outcome, Rejected, Revival, RunEnd, RunHooks};

/// A complete route whose runs start from an `I`, and whose steps still have to be given a `C`
/// ([`with_context`](Self::with_context)) by the process that works on them. Processes that only start
/// runs, or look at them, need none.
pub struct Workflow<I, C = ()> {
    pub(crate) definition: Arc<Definition>,
    pub(crate) handler: Arc<dyn Handler<C>>,
    input: PhantomData<fn(I)>,
}

impl<I: Serialize, C: Send + Sync + 'static> Workflow<I, C> {
    /// Begins a route. `name` and `version` are written with every run; raise the version when a
    /// change would make runs in flight meet steps they cannot continue with.
    pub fn named(name: &'static str, version: i32) -> Route<I, I, C> {
        let definition = Definition {
            name,
            version,
            steps: Vec::new(),
            hooks: None,
            events: Detail::None,
        };
        Route {
            definition,
            steps: Steps::new(),
            types: PhantomData,
        }
    }

    /// The durable name.
    pub fn name(&self) -> &'static str {
        self.definition.name
    }

    /// Gives the steps what they work with; several workflows may share it. Only then an
    /// [`Engine`](crate::engine::builder::Engine) takes the workflow:
    ///
    /// ```compile_fail,E0308
    /// # use workflows::{Engine, Workflow};
    /// fn forgetful(engine: Engine, workflow: &Workflow<i64, sqlx::PgPool>) -> Engine {
    ///     engine.register(workflow)
    /// }
    /// ```
    #[must_use]
    pub fn with_context(&self, context: impl Into<Arc<C>>) -> Workflow<I> {
        let given = Given {
            steps: Arc::clone(&self.handler),
            context: context.into(),
        };
        Workflow {
            definition: Arc::clone(&self.definition),
            handler: Arc::new(given),
            input: PhantomData,
        }
    }
}

/// A route under construction: it starts from an `I`, and its last step so far hands on an `O`.
pub struct Route<I, O, C = ()> {
    definition: Definition,
    steps: Steps<C>,
    types: PhantomData<fn(I) -> O>,
}

impl<I, O, C: Send + Sync + 'static> Route<I, O, C> {
    /// Appends a step that takes what the last one hands on.
    #[must_use]
    pub fn step<S: Step<Context = C, Input = O>>(mut self) -> Route<I, S::Output, C> {
        if let Some(last) = self.definition.steps.last_mut() {
            last.then = Then::Step(S::NAME);
        }
        self.push::<S>();
        Route {
            definition: self.definition,
            steps: self.steps,
            types: PhantomData,
        }
    }

    /// The link from the last step is the caller's to make.
    fn push<S: Step<Context = C>>(&mut self) {
        self.definition.push::<S>();
        self.steps.push::<S>();
    }

    /// What is told of the ends of runs, and of runs that live again.
    #[must_use]
    pub fn hooks<H: RunHooks>(mut self, hooks: H) -> Self {
        self.definition.hooks = Some(Arc::new(hooks));
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
    pub fn build_typed(self) -> (Workflow<I, C>, Results<O>) {
        let results = Results::new(self.definition.name, self.definition.version);
        (self.build(), results)
    }

    /// Ends the route.
    ///
    /// # Panics
    /// When the route has no step or two steps share a name: a mistake of the programmer that
    /// the first start shows.
    pub fn build(self) -> Workflow<I, C> {
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
            handler: Arc::new(self.steps),
            input: PhantomData,
        }
    }
}

impl<I, T, P, C: Send + Sync + 'static> Route<I, FanOut<T, P>, C> {
    /// Runs `S` once for each child of the [`FanOut`] that the last step handed on. When a child
    /// dies, the run waits for somebody to re-drive it.
    pub fn fan_out<S: Step<Context = C, Input = T>>(self) -> FanningOut<I, P, S::Output, C> {
        self.fanning_out::<S, _>(false)
    }

    /// As [`fan_out`](Self::fan_out), but the children that `A` takes are done by it.
    pub fn fan_out_or<S, A>(self) -> FanningOut<I, P, S::Output, C>
    where
        S: Step<Context = C, Input = T>,
        A: Alternative + Step<Context = C, Input = T, Output = S::Output>,
    {
        let mut fanning_out = self.fan_out::<S>();
        fanning_out.route.push::<A>();
        if let Some(step) = fanning_out.route.definition.steps.last_mut() {
            step.then = Then::Join;
            step.takes = Some(takes::<A>);
        }
        fanning_out.or = Some(A::NAME);
        fanning_out
    }

    /// As [`fan_out`](Self::fan_out), but the run does not wait for dead children: their join gets
    /// [`Missing`] in their places.
    pub fn fan_out_partial<S: Step<Context = C, Input = T>>(
        self,
    ) -> FanningOut<I, P, Result<S::Output, Missing>, C> {
        self.fanning_out::<S, _>(true)
    }

    fn fanning_out<S: Step<Context = C>, D>(mut self, partial: bool) -> FanningOut<I, P, D, C> {
        // The link from the last step is made by `join`, which knows both names.
        self.push::<S>();
        FanningOut {
            route: Route {
                definition: self.definition,
                steps: self.steps,
                types: PhantomData,
            },
            partial,
            or: None,
        }
    }
}

/// A fan-out that still needs its join.
#[must_use]
pub struct FanningOut<I, P, D, C = ()> {
    route: Route<I, (P, D), C>,
    partial: bool,
    /// The step that does some of the children instead. It is the last one so far.
    or: Option<&'static str>,
}

impl<I, P, D, C: Send + Sync + 'static> FanningOut<I, P, D, C> {
    /// The step that follows when every child is done. It runs exactly once per fan-out.
    pub fn join<S: Step<Context = C, Input = Joined<P, D>>>(mut self) -> Route<I, S::Output, C> {
        let so_far = &self.route.definition.steps;
        let child = so_far.len() - 1 - usize::from(self.or.is_some());
        let child_name = so_far[child].name;
        self.route.push::<S>();
        let Route {
            mut definition,
            steps,
            ..
        } = self.route;
        definition.steps[child].then = Then::Join;
        if let Some(parent) = child.checked_sub(1) {
            definition.steps[parent].then = Then::FanOut {
                child: child_name,
                or: self.or,
                join: S::NAME,
                partial: self.partial,
            };
        }
        Route {
            definition,
            steps,
            types: PhantomData,
        }
    }
}
