//! What follows from a finished attempt, decided without any I/O.
//!
//! The runtime hands in the claim, the route and what the step said; out comes a [`Settlement`],
//! which the store writes in one fenced transaction.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    claim::Claim,
    step::{FanOut, Rejection, StepError, StepSettings, Write},
    workflow::{Definition, Performed, StepDefinition, Then},
};

/// How an attempt ended, as the runtime saw it.
pub(crate) enum Ended {
    Performed(Performed),
    Failed(StepError),
    /// The worker gave the task back without blame.
    Interrupted,
}

/// What to write about one attempt.
pub(crate) struct Settlement {
    pub claim: Arc<Claim>,
    pub verdict: Verdict,
    pub writes: Vec<Write>,
}

pub(crate) enum Verdict {
    /// The step is done; this follows.
    Advance { next: Next },
    /// A child is done; if it was the last, the join follows.
    Joined { output: Value },
    /// Try again after the delay.
    Defer { error: Value, delay: Duration },
    /// Into the dead letters.
    Bury { cause: Cause, error: Value },
    /// The run ends by the input's fault.
    Reject {
        rejection: Rejection,
        definition: Arc<Definition>,
        step: &'static str,
    },
    /// Back into the queue, free of charge.
    HandBack,
}

pub(crate) enum Next {
    End {
        output: Value,
    },
    Task(NewTask),
    FanOut {
        fan_out_id: Uuid,
        /// Name of the children's step.
        step: &'static str,
        carry: Value,
        children: Vec<NewTask>,
        /// The join is told of dead children.
        partial: bool,
        /// Step and queue of the join.
        join: (&'static str, &'static str),
    },
}

/// A step to do.
#[derive(Debug, Clone)]
pub(crate) struct NewTask {
    pub step: &'static str,
    pub queue: &'static str,
    pub input: Value,
}

/// Why a task died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Errors,
    Crashes,
    Interruptions,
    Failed,
}

impl Cause {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Crashes => "crashes",
            Self::Interruptions => "interruptions",
            Self::Failed => "failed",
        }
    }
}

/// Decides. `random` is drawn evenly from `0.0..1.0`.
pub(crate) fn settle(
    claim: Arc<Claim>,
    definition: &Arc<Definition>,
    step: &StepDefinition,
    ended: Ended,
    random: f64,
) -> Settlement {
    let (verdict, writes) = match ended {
        Ended::Performed(done) => match follow(definition, step, done.output) {
            Ok(verdict) => (verdict, done.writes),
            Err(error) => (bury(Cause::Failed, &error), Vec::new()),
        },
        Ended::Interrupted => (interrupt(step.settings, &claim), Vec::new()),
        Ended::Failed(StepError::Reject(rejection)) => {
            let definition = Arc::clone(definition);
            (
                Verdict::Reject {
                    rejection,
                    definition,
                    step: step.name,
                },
                Vec::new(),
            )
        }
        Ended::Failed(StepError::Fail { source }) => {
            (bury(Cause::Failed, source.as_ref()), Vec::new())
        }
        Ended::Failed(StepError::Retry { source, after }) => {
            let errors = u32::try_from(claim.errors).unwrap_or(0) + 1;
            (
                retry(step.settings, errors, source.as_ref(), after, random),
                Vec::new(),
            )
        }
    };
    Settlement {
        claim,
        verdict,
        writes,
    }
}

/// Interruptions are nobody's fault. A step may still say how many are too many.
fn interrupt(settings: StepSettings, claim: &Claim) -> Verdict {
    let interruptions = u32::try_from(claim.interruptions).unwrap_or(u32::MAX);
    match settings.interruption_limit {
        Some(limit) if interruptions.saturating_add(1) >= limit => {
            bury(Cause::Interruptions, &TooOften(limit))
        }
        _ => Verdict::HandBack,
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the step was interrupted {0} times")]
struct TooOften(u32);

fn retry(
    settings: StepSettings,
    errors: u32,
    error: &(dyn std::error::Error + 'static),
    after: Option<Duration>,
    random: f64,
) -> Verdict {
    match settings.backoff.delay(errors, random) {
        None => bury(Cause::Errors, error),
        // A dependency that says when to come back knows better than our formula.
        Some(delay) => Verdict::Defer {
            error: describe(error),
            delay: after.unwrap_or(delay),
        },
    }
}

fn bury(cause: Cause, error: &(dyn std::error::Error + 'static)) -> Verdict {
    Verdict::Bury {
        cause,
        error: describe(error),
    }
}

fn follow(
    definition: &Definition,
    step: &StepDefinition,
    output: Value,
) -> Result<Verdict, FollowError> {
    let queue = |name| {
        let step = definition.step(name).ok_or(FollowError::NoSuchStep(name))?;
        Ok::<_, FollowError>(step.queue)
    };
    let task = |step: &'static str, input| {
        let queue = queue(step)?;
        Ok::<_, FollowError>(NewTask { step, queue, input })
    };
    let next = match step.then {
        Then::End => Next::End { output },
        Then::Step(name) => Next::Task(task(name, output)?),
        Then::Join => return Ok(Verdict::Joined { output }),
        Then::FanOut {
            child,
            join,
            partial,
        } => {
            let FanOut { children, carry } =
                FanOut::<Value, Value>::deserialize(&output).map_err(FollowError::NotAFanOut)?;
            if children.is_empty() {
                Next::Task(task(join, json!({ "carry": carry, "children": [] }))?)
            } else {
                let children = children.into_iter().map(|input| task(child, input));
                Next::FanOut {
                    fan_out_id: Uuid::now_v7(),
                    step: child,
                    carry,
                    children: children.collect::<Result<_, FollowError>>()?,
                    partial,
                    join: (join, queue(join)?),
                }
            }
        }
    };
    Ok(Verdict::Advance { next })
}

#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error("the route has no step `{0}`")]
    NoSuchStep(&'static str),
    #[error("the step's output is not a fan-out")]
    NotAFanOut(#[source] serde_json::Error),
}

/// An error with its sources, outermost first, as it is kept. Postgres cannot store NUL in text.
pub(crate) fn describe(error: &(dyn std::error::Error + 'static)) -> Value {
    let mut chain = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        chain.push(Value::String(error.to_string().replace('\0', "\u{fffd}")));
        next = error.source();
    }
    json!({ "message": chain[0], "chain": chain })
}

/// Groups deaths of the same cause: the step and the error's words without their numbers.
pub(crate) fn fingerprint(step: &str, error: &Value) -> String {
    let mut words = String::from(step);
    words.push_str(": ");
    let message = error
        .get("message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    for c in message.chars().take(200) {
        match c {
            c if !c.is_ascii_digit() => words.push(c),
            _ if !words.ends_with('#') => words.push('#'),
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests;
