//! The rules that the protocol's safety rests on, each with the slips that are easily made.
//!
//! A slip differs from the sound rule by the one condition that its name says is missing, so a
//! counterexample shows what exactly that condition is for.

#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub claims: Claims,
    pub fence: Fence,
    pub join: Join,
    pub rescue: Rescue,
    pub redrive: Redrive,
    pub tokens: Tokens,
}

impl Rules {
    /// With which every promise is kept.
    pub const SOUND: Self = Self {
        claims: Claims::OfPresentWorkers,
        fence: Fence::TokenAndWorker,
        join: Join::CountedDown,
        rescue: Rescue::LeaseAsSeen,
        redrive: Redrive::TakesTheLetter,
        tokens: Tokens::AfterTheLast,
    };
}

/// Who may claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claims {
    /// Workers that hold their presence lock.
    OfPresentWorkers,
    /// Slip: a worker that others take for lost claims again what they took from it, and each
    /// time the task is charged with a crash.
    OfAllWorkers,
}

/// What a completion must show before anything of it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fence {
    /// Slip: whoever performed a task may complete it.
    None,
    /// Slip: a token that was handed out twice lets two workers in.
    Token,
    TokenAndWorker,
}

/// How a child's completion finds out that it is the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// One `UPDATE … RETURNING` under the row's lock.
    CountedDown,
    /// Slip: read before the transaction, written back inside it.
    ReadBefore,
}

/// Which lease a rescue may take, after it looked for lost ones without holding a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rescue {
    /// The one it saw, if that is still lost.
    LeaseAsSeen,
    /// Slip: any on the task that looks lost now, with the list of lost workers made earlier.
    AnyLeaseOfTheTask,
}

/// What entitles a re-drive to start the task again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redrive {
    /// That this transaction removed the dead letter.
    TakesTheLetter,
    /// Slip: that there was a letter when the decision was made.
    TrustsTheRequest,
}

/// Which token a claim hands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokens {
    /// One greater than the task's last, whatever the clock says.
    AfterTheLast,
    /// Slip: the time, although a clock may stand still.
    OfTheClock,
}
