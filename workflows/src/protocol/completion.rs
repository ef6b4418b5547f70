//! What is decided about an attempt, as the store writes it.

use std::{sync::Arc, time::Duration};

use crate::define::ids::FanOutId;
use crate::{
    define::{lane::Lane, payload::Payload, record::Write, step::Rejection, workflow::Definition},
    protocol::{
        state::{AttemptOutcome, Cause},
        task::{Claim, NewTask},
    },
};

/// What to write about one attempt.
pub(crate) struct Completion {
    pub claim: Arc<Claim>,
    pub decision: Decision,
    pub writes: Vec<Arc<dyn Write>>,
    /// The writes share no transaction with those of other completions.
    pub alone: bool,
    /// The route, for its hooks. `None` when this build does not know it.
    pub definition: Option<Arc<Definition>>,
}

impl Completion {
    /// Whether a hook of the route may have to run in the transaction.
    fn has_hook(&self) -> bool {
        let Some(definition) = &self.definition else {
            return false;
        };
        match &self.decision {
            Decision::Reject { .. }
            | Decision::DeadLetter { .. }
            | Decision::Advance {
                next: Next::End { .. },
            } => definition.hooks.is_some(),
            _ => false,
        }
    }

    /// Whether it has to be committed in a transaction of its own.
    pub fn is_alone(&self) -> bool {
        self.alone || self.has_hook()
    }

    /// Whether code of the caller runs in the transaction.
    pub fn has_writes(&self) -> bool {
        !self.writes.is_empty() || self.is_alone()
    }
}

pub(crate) enum Decision {
    /// The step is done; this follows.
    Advance { next: Next },
    /// A child is done; if it was the last, the join follows.
    Joined { output: Payload },
    /// Try again after the delay.
    Retry { error: Payload, delay: Duration },
    /// A dependency is down: back into the queue a little later, free of charge.
    Wait {
        dependency: &'static str,
        error: Payload,
        delay: Duration,
    },
    /// Into the dead letters.
    DeadLetter { cause: Cause, error: Payload },
    /// The run ends by the input's fault. `result` is the rejection as it is stored.
    Reject {
        rejection: Rejection,
        result: Payload,
    },
    /// Back into the queue, free of charge.
    Release,
}

impl Decision {
    /// How history, metrics and logs call the attempt.
    pub fn outcome(&self) -> AttemptOutcome {
        match self {
            Self::Advance { .. } | Self::Joined { .. } => AttemptOutcome::Done,
            Self::Retry { .. } => AttemptOutcome::Error,
            Self::Wait { .. } => AttemptOutcome::Unavailable,
            Self::DeadLetter { cause, .. } => cause.outcome(),
            Self::Reject { .. } => AttemptOutcome::Rejected,
            Self::Release => AttemptOutcome::Interrupted,
        }
    }
}

pub(crate) enum Next {
    End {
        output: Payload,
    },
    Task(NewTask),
    FanOut {
        fan_out_id: FanOutId,
        carry: Payload,
        children: Vec<NewTask>,
        /// The join is told of dead children.
        partial: bool,
        join: Lane,
    },
}
