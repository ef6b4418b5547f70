//! Why an action makes no sense for what it was asked of.

use crate::protocol::state::RunState;

/// What an action was asked of is not in the state for it, or what it was given makes no sense.
/// Somebody may have been faster.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// The run has ended.
    #[error("the run has ended: it is {0}")]
    RunEnded(RunState),
    /// The run has not ended.
    #[error("the run has not ended: it is running")]
    RunGoesOn,
    /// The run is paused already.
    #[error("the run is paused already")]
    RunPaused,
    /// The run is not paused.
    #[error("the run is not paused")]
    RunNotPaused,
    /// The run cannot start again from a step through which it has not been.
    #[error("the run cannot start again from {step}: it has not been through it")]
    StepNotReached {
        /// Durable name of the step that was asked for.
        step: String,
    },
    /// The first step of the run is not on record.
    #[error("nothing is known of the run's first step: say from which step")]
    FirstStepUnknown,
    /// Another run that has not ended has the run's unique key.
    #[error("another run with the same unique key is going on")]
    UniqueKeyTaken,
    /// Somebody has decided about the dead letter.
    #[error("the dead letter is resolved already")]
    LetterResolved,
    /// The re-drive is done or stopped.
    #[error("the re-drive has ended already")]
    RedriveEnded,
    /// The rate or the cap of a re-drive is out of range.
    #[error("a re-drive needs a rate between 0.001 and 10,000 a second, and a cap above zero")]
    RedrivePace,
    /// The queue is paused already.
    #[error("the queue {0} is paused already")]
    QueuePaused(String),
    /// The queue is not paused.
    #[error("the queue {0} is not paused")]
    QueueNotPaused(String),
    /// The queue has no limit.
    #[error("the queue {0} has no limit")]
    QueueNotLimited(String),
    /// A limit of no task at all.
    #[error("a limit of no task at all is a pause: pause the queue")]
    LimitOfNone,
    /// A limit beyond what can be stored.
    #[error("so high a limit is none")]
    LimitTooHigh,
    /// The rate of a limit is out of range.
    #[error("a rate must be between a millionth and a million in a second")]
    LimitRate,
    /// A limit that limits nothing.
    #[error("say what is limited")]
    LimitOfNothing,
}
