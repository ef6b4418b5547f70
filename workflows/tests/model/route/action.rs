//! What can happen. Every transaction of the engine is one action, because Postgres makes it one.
//!
//! Steps are what the engine does by itself, decisions are people's, and faults are the world's.
//! Steps are free; faults and re-drives are counted, which is what makes the state space finite.

use super::{complete::Verdict, database::Task, state::Attempt};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Step(Step),
    Decision(Decision),
    Fault(Fault),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Claim {
        worker: usize,
        task: Task,
    },
    /// A task of a claim whose answer was lost.
    FindStray {
        worker: usize,
        task: Task,
    },
    /// Only under [`Join::ReadBefore`](super::rules::Join::ReadBefore).
    ReadRemaining {
        worker: usize,
        attempt: Attempt,
    },
    Settle {
        worker: usize,
        attempt: Attempt,
        verdict: Verdict,
    },
    BecomeDue {
        task: Task,
    },
    /// A heartbeat.
    Renew {
        worker: usize,
        task: Task,
    },
    /// The presence lock is taken again.
    Return {
        worker: usize,
    },
    /// A lease that nobody renews expires.
    Lapse {
        task: Task,
    },
    SeeLost {
        worker: usize,
        task: Task,
    },
    Rescue {
        worker: usize,
    },
    /// Of a task that was taken over for it.
    DeadLetter {
        worker: usize,
    },
    /// Carries out a request.
    Redrive {
        task: Task,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Cancel,
    RequestRedrive { task: Task },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Crash {
        worker: usize,
    },
    LosePresence {
        worker: usize,
    },
    /// Heartbeats did not get through, or the whole worker stands still.
    Expire {
        task: Task,
    },
    /// The claim was committed and the worker does not know.
    ClaimUnheard {
        worker: usize,
        task: Task,
    },
    /// The completion was committed and the worker, not knowing, will try again.
    SettleUnheard {
        worker: usize,
        attempt: Attempt,
        verdict: Verdict,
    },
    /// The step failed, or the worker is being drained.
    Settle {
        worker: usize,
        attempt: Attempt,
        verdict: Verdict,
    },
    /// The database crashed before the claim's asynchronous commit reached the disk.
    ForgetClaim {
        task: Task,
    },
}
