//! A route with its types erased, as the runtime walks it.

use std::sync::Arc;

use sqlx::PgConnection;

use crate::define::{
    detail::Detail,
    lane::Lane,
    record::BoxError,
    shape::{self, Shape},
    step::{Alternative, Step, StepSettings},
    workflow::hooks::{Hooked, Revival, RunEnd},
};

/// A route with its types erased, as the runtime walks it.
pub(crate) struct Definition {
    pub name: &'static str,
    pub version: i32,
    pub steps: Vec<StepDefinition>,
    pub hooks: Option<Arc<dyn Hooked>>,
    pub events: Detail,
}

pub(crate) struct StepDefinition {
    pub name: &'static str,
    pub queue: &'static str,
    pub settings: StepSettings,
    /// Outside services without which it cannot work.
    pub needs: &'static [&'static str],
    pub accepts: Accepts,
    pub then: Then,
    /// Of a step that does some children of a fan-out in place of another: whether a child is its.
    pub takes: Option<Takes>,
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
        /// The step that does some of the children instead.
        or: Option<&'static str>,
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
        match &self.hooks {
            Some(hooks) => hooks.ended(tx, end).await,
            None => Ok(()),
        }
    }

    /// Tells the hook that a run lives again.
    pub async fn revived(&self, tx: &mut PgConnection, revival: Revival) -> Result<(), BoxError> {
        match &self.hooks {
            Some(hooks) => hooks.revived(tx, revival).await,
            None => Ok(()),
        }
    }

    pub fn first(&self) -> &StepDefinition {
        &self.steps[0]
    }

    pub fn push<S: Step>(&mut self) {
        self.steps.push(StepDefinition {
            name: S::NAME,
            queue: S::QUEUE,
            settings: S::settings(),
            needs: S::NEEDS,
            accepts: accepts::<S>,
            then: Then::End,
            takes: None,
            shape: shape::of::<S::Input>,
        });
    }
}

/// Whether a child of a fan-out is for this step.
pub(crate) type Takes = fn(&str) -> bool;

/// What cannot be read is not: the other step says so.
pub(crate) fn takes<A: Alternative>(input: &str) -> bool {
    serde_json::from_str::<A::Input>(input).is_ok_and(|input| A::takes(&input))
}

/// Whether a step could read this input. Nothing runs.
pub(crate) type Accepts = fn(&str) -> Result<(), serde_json::Error>;

fn accepts<S: Step>(input: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<S::Input>(input).map(drop)
}
