//! Every moment at which a crash could make a difference: just before and just after each transaction of the
//! engine. With the feature `faults` a process can be made to abort at one of them, or to do something
//! else, which is how the tests walk through all; without it nothing of this is compiled in but the
//! names.

use std::fmt;

/// The engine's transactions, by what they do. Every commit in `store` names the ones it carries,
/// so a new one has to be entered here, and [`Failpoint::ALL`] hands it to the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failpoint {
    /// A run and its first task; the commit is the caller's.
    Start,
    /// Ready tasks become leases.
    Claim,
    /// A step is done and its task moves on to the next.
    Advance,
    /// The same, and the worker goes on with it at once.
    Continue,
    /// A step is done and its children become ready.
    FanOut,
    /// A child is done and others are not.
    Child,
    /// The last child is done and the join becomes ready.
    Join,
    /// The last step is done and the run has ended.
    End,
    /// An attempt failed and the task waits for its next one.
    Retry,
    /// An attempt failed for the last time.
    DeadLetter,
    /// A worker gives a task back.
    Release,
    /// A step refused its input and the run has ended.
    Reject,
    /// The tasks of a lost worker become ready again.
    Rescue,
    /// Tasks whose delay is over become ready.
    Due,
    /// A dead letter is re-driven.
    Redrive,
    /// A re-drive of many is asked for.
    BulkRedrive,
    /// Some letters of a re-drive of many are re-driven.
    BulkStep,
    /// A dead letter is discarded and its run ends.
    Discard,
    /// A run is cancelled.
    Cancel,
    /// A run that has ended or is dead starts again.
    Restart,
    /// A run or a queue is paused.
    Pause,
    /// A run or a queue goes on.
    Resume,
    /// A schedule's tick starts a run.
    Schedule,
    /// Old runs are removed.
    Prune,
    /// What waits where is counted for all who ask.
    Count,
    /// A queue gets or loses a limit.
    Limit,
    /// Ready tasks of a queue with a limit become leases.
    LimitedClaim,
}

impl Failpoint {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::Start,
        Self::Claim,
        Self::Advance,
        Self::Continue,
        Self::FanOut,
        Self::Child,
        Self::Join,
        Self::End,
        Self::Retry,
        Self::DeadLetter,
        Self::Release,
        Self::Reject,
        Self::Rescue,
        Self::Due,
        Self::Redrive,
        Self::BulkRedrive,
        Self::BulkStep,
        Self::Discard,
        Self::Cancel,
        Self::Restart,
        Self::Pause,
        Self::Resume,
        Self::Schedule,
        Self::Prune,
        Self::Count,
        Self::Limit,
        Self::LimitedClaim,
    ];
}

/// Which side of the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Everything is written, nothing is committed.
    Before,
    /// It is committed, and nobody was told.
    After,
}

impl fmt::Display for Failpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

#[cfg(feature = "faults")]
mod armed {
    use std::sync::{Mutex, PoisonError};

    use super::{Failpoint, Side};

    type Armed = (Failpoint, Side, fn());

    static ARMED: Mutex<Option<Armed>> = Mutex::new(None);

    /// From now on this process aborts when it gets to `moment` of `transaction`.
    pub fn arm(transaction: Failpoint, moment: Side) {
        // No destructor runs and nothing is flushed, as with a kill.
        arm_with(transaction, moment, || std::process::abort());
    }

    /// From now on `what` is called when this process gets to `moment` of `transaction`: once, in the
    /// middle of whatever it is at.
    pub fn arm_with(transaction: Failpoint, moment: Side, what: fn()) {
        *ARMED.lock().unwrap_or_else(PoisonError::into_inner) = Some((transaction, moment, what));
    }

    pub(crate) fn reach(transaction: Failpoint, moment: Side) {
        let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
        let here = armed.take_if(|armed| (armed.0, armed.1) == (transaction, moment));
        drop(armed);
        if let Some((_, _, what)) = here {
            what();
        }
    }
}

#[cfg(feature = "faults")]
pub(crate) use armed::reach;
#[cfg(feature = "faults")]
pub use armed::{arm, arm_with};

#[cfg(not(feature = "faults"))]
pub(crate) fn reach(_: Failpoint, _: Side) {}
