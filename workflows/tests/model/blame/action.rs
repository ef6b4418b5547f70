//! What can happen. Steps are free, faults are counted. Places are those in `State::processes`.

use super::state::{Attempt, Task, WorkerId};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Step(Step),
    Fault(Fault),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Claim {
        process: usize,
        task: Task,
    },
    ClaimSuspect {
        process: usize,
        task: Task,
    },
    /// The others have come to their ends.
    BeginAlone {
        process: usize,
    },
    /// An attempt comes to its end: it is done, or stale.
    Finish {
        process: usize,
        attempt: Attempt,
    },
    /// The poison kills its process.
    Kill {
        process: usize,
    },
    Beat {
        process: usize,
    },
    /// Some connection is there again.
    Return {
        process: usize,
    },
    FindStrays {
        process: usize,
    },
    /// A lease that nobody renews expires.
    Lapse {
        task: Task,
    },
    Look {
        process: usize,
        worker: WorkerId,
    },
    Read {
        process: usize,
    },
    /// Sees leases that have expired, of workers that it takes for alive.
    ReadExpired {
        process: usize,
    },
    Rescue {
        process: usize,
    },
    TakeOver {
        process: usize,
    },
    DeadLetter {
        process: usize,
    },
    /// The server ends the session of somebody who stands still in a transaction.
    LoseTransaction {
        process: usize,
    },
    Thaw {
        process: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A process dies, whatever it was at.
    Crash { process: usize },
    /// All its connections are cut.
    LosePresence { process: usize },
    Freeze {
        process: usize,
        holding: Option<Task>,
    },
    /// The claim was committed and the process does not know.
    ClaimUnheard { process: usize, task: Task },
}
