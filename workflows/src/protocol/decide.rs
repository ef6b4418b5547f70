//! What follows from a finished attempt, decided without any I/O.
//!
//! The runtime hands in the claim, the route and what the step said; out comes a [`Completion`],
//! which the store writes in one fenced transaction.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use crate::define::ids::FanOutId;
use crate::{
    define::{
        backoff::LONGEST_DELAY,
        payload::Payload,
        step::{FanOut, Rejection, StepError, StepSettings},
        workflow::{Definition, Performed, StepDefinition, Then},
    },
    protocol::{
        completion::{Completion, Decision, Next},
        failure::{describe, storable},
        state::Cause,
        task::{Claim, NewTask},
    },
};

/// What a time stamp can surely hold: about ten years.
const LONGEST_SLEEP: Duration = Duration::from_hours(24 * 3653);

/// Tasks that found a dependency down come back within about this time.
const SPREAD: Duration = Duration::from_secs(1);

/// How an attempt ended, as the runtime saw it.
pub(crate) enum Ended {
    Performed(Performed),
    Failed(StepError),
    /// The worker gave the task back without blame.
    Interrupted,
    /// The process was lost under the task for the last time.
    Crashed,
}

/// Decides. `random` is drawn evenly from `0.0..1.0`. Calls code of the caller: `Display` of its
/// errors.
pub(crate) fn decide(
    claim: Arc<Claim>,
    definition: &Arc<Definition>,
    step: &StepDefinition,
    ended: Ended,
    random: f64,
) -> Completion {
    let settings = step.settings;
    let mut writes = Vec::new();
    let mut alone = false;
    let decision = match ended {
        Ended::Performed(done) => match follow(definition, step, done.output, done.sleep) {
            Ok(decision) => {
                writes = done.writes;
                alone = done.alone;
                decision
            }
            Err(error) => dead_letter(Cause::Failed, &error),
        },
        Ended::Interrupted => interrupt(settings, &claim),
        Ended::Crashed => dead_letter(Cause::Crashes, &LostUnderIt(claim.crashes + 1)),
        Ended::Failed(StepError::Reject(rejection)) => reject(rejection),
        Ended::Failed(StepError::Fail { source }) => dead_letter(Cause::Failed, source.as_ref()),
        Ended::Failed(StepError::Unavailable {
            dependency,
            source,
            after,
        }) => Decision::Wait {
            dependency,
            error: describe(source.as_ref()),
            // Spread out, so that tasks that failed together do not come back together.
            delay: after
                .unwrap_or(Duration::ZERO)
                .min(LONGEST_DELAY)
                .saturating_add(SPREAD.mul_f64(0.25 + random.clamp(0.0, 1.0))),
        },
        Ended::Failed(StepError::Retry { source, after }) => {
            let errors = u32::try_from(claim.errors).unwrap_or(0) + 1;
            retry(settings, errors, source.as_ref(), after, random)
        }
    };
    Completion {
        claim,
        decision,
        writes,
        alone,
        definition: Some(Arc::clone(definition)),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the worker was lost under this task {0} times")]
struct LostUnderIt(i32);

/// Interruptions are nobody's fault. A step may still say how many are too many.
fn interrupt(settings: StepSettings, claim: &Claim) -> Decision {
    let interruptions = u32::try_from(claim.interruptions).unwrap_or(u32::MAX);
    match settings.interruption_limit {
        Some(limit) if interruptions.saturating_add(1) >= limit => {
            dead_letter(Cause::Interruptions, &TooOften(limit))
        }
        _ => Decision::Release,
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
) -> Decision {
    match settings.backoff.delay(errors, random) {
        None => dead_letter(Cause::Errors, error),
        // A dependency that says when to come back knows better than our formula.
        Some(delay) => Decision::Retry {
            error: describe(error),
            delay: after.unwrap_or(delay).min(LONGEST_DELAY),
        },
    }
}

/// A rejection whose details cannot be stored is told without them.
fn reject(rejection: Rejection) -> Decision {
    let mut rejection = Rejection {
        message: storable(&rejection.message),
        code: storable(&rejection.code).into(),
        details: shown(rejection.details),
    };
    let result = Payload::encode(&rejection).unwrap_or_else(|_| {
        rejection.details = Value::Null;
        Payload::encode(&rejection).unwrap_or_else(|_| Payload::stored("{}"))
    });
    Decision::Reject { rejection, result }
}

/// Details without NUL: Postgres cannot show a text with one, nor any other that is beside it.
fn shown(details: Value) -> Value {
    let clean = |text: String| text.replace('\0', "\u{fffd}");
    match details {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(values) => values.into_iter().map(shown).collect(),
        Value::Object(entries) => {
            let entries = entries.into_iter();
            entries
                .map(|(key, value)| (clean(key), shown(value)))
                .collect()
        }
        other => other,
    }
}

fn dead_letter(cause: Cause, error: &(dyn std::error::Error + 'static)) -> Decision {
    Decision::DeadLetter {
        cause,
        error: describe(error),
    }
}

fn follow(
    definition: &Definition,
    step: &StepDefinition,
    output: Payload,
    sleep: Duration,
) -> Result<Decision, FollowError> {
    let task = |name: &'static str, input| {
        let step = definition.step(name).ok_or(FollowError::NoSuchStep(name))?;
        Ok::<_, FollowError>(NewTask {
            lane: definition.lane(step),
            input,
            crash_limit: step.settings.crash_limit(),
            sleep: Duration::ZERO,
        })
    };
    let next = match step.then {
        Then::End => Next::End { output },
        Then::Step(name) => Next::Task(NewTask {
            sleep: sleep.min(LONGEST_SLEEP),
            ..task(name, output)?
        }),
        Then::Join => return Ok(Decision::Joined { output }),
        Then::FanOut {
            child,
            or,
            join,
            partial,
        } => {
            let FanOut { children, carry }: FanOut<Box<RawValue>, Box<RawValue>> =
                output.decode().map_err(FollowError::NotAFanOut)?;
            if children.is_empty() {
                let nothing = format!(r#"{{"carry":{},"children":[]}}"#, carry.get());
                Next::Task(task(join, Payload::stored(nothing))?)
            } else {
                let raw =
                    |value: Box<RawValue>| Payload::stored(String::from(Box::<str>::from(value)));
                let or = or.and_then(|name| Some((name, definition.step(name)?.takes?)));
                let child_of = |input: &str| match or {
                    Some((name, takes)) if takes(input) => name,
                    _ => child,
                };
                let children = children
                    .into_iter()
                    .map(|input| task(child_of(input.get()), raw(input)));
                Next::FanOut {
                    fan_out_id: FanOutId(Uuid::now_v7()),
                    carry: raw(carry),
                    children: children.collect::<Result<_, FollowError>>()?,
                    partial,
                    join: task(join, Payload::stored("null"))?.lane,
                }
            }
        }
    };
    Ok(Decision::Advance { next })
}

#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error("the route has no step `{0}`")]
    NoSuchStep(&'static str),
    #[error("the step's output is not a fan-out")]
    NotAFanOut(#[source] serde_json::Error),
}

#[cfg(test)]
mod tests;
