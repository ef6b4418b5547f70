//! One state of the world: the database, the processes, and what is recorded for the properties.

use super::database::{Database, Lease, Task, TaskRow, Token, WorkerId};

/// Processes that run at a time.
pub const WORKERS: usize = 2;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub database: Database,
    pub workers: [Worker; WORKERS],
    pub last_worker: WorkerId,
    /// Re-drives that were asked for, and are still to be carried out.
    pub redrives_requested: [u8; Task::ALL.len()],
    pub redrives_left: u8,
    /// How much may still go wrong.
    pub faults_left: u8,
    pub history: History,
}

/// A process: performs tasks, renews its leases, sweeps. None of it outlives the process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Worker {
    pub id: WorkerId,
    /// Holds its presence lock. Losing the connection loses the lock, and the work goes on.
    pub present: bool,
    /// Sorted, so that the order of claims makes no states of its own.
    pub attempts: Vec<Attempt>,
    pub sighting: Option<Sighting>,
    /// What was taken over, to become a dead letter.
    pub dead_lettering: Option<Attempt>,
}

impl Worker {
    pub fn new(id: WorkerId) -> Self {
        Self {
            id,
            present: true,
            attempts: Vec::new(),
            sighting: None,
            dead_lettering: None,
        }
    }

    pub fn begin(&mut self, attempt: Attempt) {
        self.attempts.push(attempt);
        self.attempts.sort_unstable();
    }

    pub fn forget(&mut self, attempt: Attempt) {
        if let Some(place) = self.attempts.iter().position(|held| *held == attempt) {
            self.attempts.remove(place);
        }
    }

    pub fn has_in_hand(&self, task: Task) -> bool {
        let mut attempts = self.attempts.iter().chain(&self.dead_lettering);
        attempts.any(|attempt| attempt.task == task)
    }
}

/// An execution of a task in a worker's memory, whether its lease is still there or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt {
    pub task: Task,
    pub token: Token,
    /// What [`Join::ReadBefore`](super::rules::Join::ReadBefore) read; the sound rule reads nothing.
    pub remaining_seen: Option<u8>,
}

impl Attempt {
    /// The lease is the very one that this attempt was begun with.
    pub fn holds(self, worker: WorkerId, lease: &Lease) -> bool {
        lease.token == self.token && lease.worker == worker
    }
}

/// A lost lease that a sweeper saw and has not taken yet; anything may have happened since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sighting {
    pub task: Task,
    pub token: Token,
    /// The lease's worker, if it was its absence that was noticed.
    pub lost_worker: Option<WorkerId>,
}

/// What the properties need to know and the engine does not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct History {
    /// Committed completions of each task: what its step wrote, it wrote this often.
    pub effects: [u8; Task::ALL.len()],
    /// How often each task was inserted as somebody's successor. A re-drive is none.
    pub inserted: [u8; Task::ALL.len()],
    pub seen: Seen,
    pub broken: Broken,
}

/// What happened at least once: for the properties that say that it can happen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Seen {
    pub refusal: bool,
    pub redrive: bool,
}

/// What must never happen and cannot be told from the tables afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Broken {
    pub stale_completion_written: bool,
    pub unseen_lease_taken: bool,
    pub token_recorded_again: bool,
}

impl State {
    pub fn started(faults: u8, redrives: u8) -> Self {
        Self {
            database: Database::started(),
            workers: [Worker::new(0), Worker::new(1)],
            last_worker: 1,
            redrives_requested: [0; Task::ALL.len()],
            redrives_left: redrives,
            faults_left: faults,
            history: History::default(),
        }
    }

    /// Inserts a task that follows from a finished one.
    pub fn insert_successor(&mut self, task: Task) {
        self.database.insert(task, TaskRow::default());
        self.history.inserted[task as usize] += 1;
    }

    pub fn is_present(&self, worker: WorkerId) -> bool {
        self.workers
            .iter()
            .any(|candidate| candidate.id == worker && candidate.present)
    }

    /// It has not died. It may have lost its connections.
    pub fn is_alive(&self, worker: WorkerId) -> bool {
        self.workers.iter().any(|candidate| candidate.id == worker)
    }

    /// A heartbeat renews by worker and task, as the engine's statement does.
    pub fn is_renewed(&self, task: Task, lease: &Lease) -> bool {
        self.workers
            .iter()
            .any(|worker| worker.id == lease.worker && worker.has_in_hand(task))
    }
}
