//! What becomes of a completion that the database or the caller's own code did not take.

use std::{sync::Arc, time::Duration};

use crate::store::error::StoreError;
use crate::{
    define::{
        panics::{Panicked, caught},
        step::StepError,
        workflow::Definition,
    },
    protocol::{
        completion::{Completion, Decision},
        decide::{self, Ended},
        failure::describe,
        state::Cause,
        task::Claim,
    },
    store::fan_out::JOIN_BYTES,
    worker::registry::Registry,
};

/// Delay of a task whose death could not be written because the caller's hook failed.
const MOURNING: Duration = Duration::from_mins(1);
/// After so many of them it dies without the hook.
const MOURNINGS: u32 = 5;

/// The caller's own write or hook failed: an error of this attempt.
pub(crate) fn refused(
    registry: &Registry,
    completion: &Completion,
    error: &(dyn std::error::Error + 'static),
) -> Completion {
    let claim = &completion.claim;
    let text = caught(|| error.to_string()).unwrap_or_else(|panic| panic.to_string());
    tracing::warn!(error = text, run.id = %claim.run_id, task.step = claim.lane.step, "a write failed");
    // Errors are described here, because describing may panic.
    let described = Described(text);
    match &completion.decision {
        Decision::DeadLetter { .. } if often(registry, claim) => {
            tracing::error!(run.id = %claim.run_id, "a run dies without its hook, which fails every time");
            dead_lettered(claim, None, &described)
        }
        // It would be dead, if only the hook took it: tried again later, from the step on.
        Decision::DeadLetter { .. } => Completion {
            claim: Arc::clone(claim),
            decision: Decision::Retry {
                error: describe(&described),
                delay: MOURNING,
            },
            writes: Vec::new(),
            alone: false,
            definition: completion.definition.clone(),
        },
        _ => failed(registry, claim, described),
    }
}

/// Whether the hook has had its chances.
fn often(registry: &Registry, claim: &Claim) -> bool {
    let attempts = registry
        .find(claim)
        .map_or(0, |(_, step)| step.settings.backoff.attempts);
    u32::try_from(claim.errors).unwrap_or_default() >= attempts.saturating_add(MOURNINGS)
}

/// An error of this attempt that is known by its text alone.
fn failed(registry: &Registry, claim: &Arc<Claim>, error: Described) -> Completion {
    match registry.find(claim) {
        Some((definition, step)) => {
            let ended = Ended::Failed(StepError::Retry {
                source: Box::new(error),
                after: None,
            });
            decide::decide(Arc::clone(claim), definition, step, ended, rand::random())
        }
        None => dead_lettered(claim, None, &error),
    }
}

/// Describing what came of an attempt panicked, which is an error of this attempt.
pub(crate) fn mourned(registry: &Registry, claim: &Arc<Claim>, panic: &Panicked) -> Completion {
    let text = format!("the attempt's error {panic}");
    failed(registry, claim, Described(text))
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Described(String);

/// The caller's own write or hook did with its connection what nobody can go on after.
pub(crate) fn broken(registry: &Registry, completion: &Completion, what: &str) -> Completion {
    refused(
        registry,
        completion,
        &Described(format!("the write {what}")),
    )
}

/// A result that cannot be stored is our fault, and no retry will help.
pub(crate) fn unstorable(completion: &Completion, error: &StoreError) -> Completion {
    dead_lettered(&completion.claim, completion.definition.clone(), error)
}

/// The outputs of the children of a fan-out are too large together.
pub(crate) fn join_too_large(completion: &Completion) -> Completion {
    dead_lettered(
        &completion.claim,
        completion.definition.clone(),
        &JoinTooLarge,
    )
}

#[derive(Debug, thiserror::Error)]
#[error(
    "the outputs of this fan-out's children have more than {JOIN_BYTES} bytes of JSON together, and \
     their join could not be given them: hand on ids, not contents"
)]
struct JoinTooLarge;

fn dead_lettered(
    claim: &Arc<Claim>,
    definition: Option<Arc<Definition>>,
    error: &(dyn std::error::Error + 'static),
) -> Completion {
    Completion {
        claim: Arc::clone(claim),
        decision: Decision::DeadLetter {
            cause: Cause::Failed,
            error: describe(error),
        },
        writes: Vec::new(),
        alone: false,
        definition,
    }
}
