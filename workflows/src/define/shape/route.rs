//! What a build says of the steps of its routes, for other builds to compare with theirs.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::define::workflow::{Definition, Then};

/// A step of a route, with the queue in which this build runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RouteStep {
    pub step: &'static str,
    pub queue: &'static str,
    pub shape: StepShape,
}

/// The content of the column `lanes.shape`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StepShape {
    /// The shape of the step's input, for people.
    pub input: String,
    /// The same for comparison.
    pub fingerprint: String,
    /// What follows the step.
    pub then: Follows,
}

/// [`Then`], as databases keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Follows {
    End,
    Step(String),
    FanOut {
        child: String,
        join: String,
        partial: bool,
    },
    Join,
}

/// Every step of a route, in order.
pub(crate) fn route(definition: &Definition) -> Vec<RouteStep> {
    let steps = definition.steps.iter().map(|step| {
        let input = (step.shape)();
        let shape = StepShape {
            fingerprint: input.fingerprint().to_owned(),
            input: input.text,
            then: step.then.into(),
        };
        RouteStep {
            step: step.name,
            queue: step.queue,
            shape,
        }
    });
    steps.collect()
}

impl StepShape {
    /// Whether the input is read from other JSON than in `other`. What an engine wrote that finds
    /// shapes in another way is not known to differ.
    pub fn input_differs(&self, other: &Self) -> bool {
        let scheme = |shape: &Self| shape.fingerprint.split('-').next().map(str::to_owned);
        scheme(self) == scheme(other) && self.fingerprint != other.fingerprint
    }
}

impl From<&StepShape> for Value {
    /// As the column keeps it.
    fn from(shape: &StepShape) -> Self {
        serde_json::to_value(shape).unwrap_or_default()
    }
}

impl From<Then> for Follows {
    fn from(then: Then) -> Self {
        match then {
            Then::End => Self::End,
            Then::Step(next) => Self::Step(next.to_owned()),
            // The other step for children is a step of the route by itself.
            Then::FanOut {
                child,
                or: _,
                join,
                partial,
            } => Self::FanOut {
                child: child.to_owned(),
                join: join.to_owned(),
                partial,
            },
            Then::Join => Self::Join,
        }
    }
}

impl fmt::Display for Follows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => f.write_str("the end"),
            Self::Step(step) => write!(f, "the step {step}"),
            Self::FanOut {
                child,
                join,
                partial,
            } => {
                let kind = if *partial {
                    "partial fan-out"
                } else {
                    "fan-out"
                };
                write!(f, "a {kind} to {child}, joined at {join}")
            }
            Self::Join => f.write_str("the join"),
        }
    }
}
