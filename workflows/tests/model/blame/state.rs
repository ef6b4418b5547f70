//! One state of the world: the tables, the processes, and what the properties need to know.

use std::collections::{BTreeMap, BTreeSet};

/// Processes that run at a time.
pub const WORKERS: usize = 2;

/// Each is a run of its own with one step.
pub type Task = usize;
/// It kills its process whenever it runs. All others are innocent.
pub const POISON: Task = 0;

pub type Token = u8;
/// Names one process. A process that comes back after a crash has a new name.
pub type WorkerId = u8;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub tasks: Vec<TaskRow>,
    /// The table `workers`, without the rows in which nothing stands.
    pub rows: BTreeMap<WorkerId, WorkerRow>,
    /// Attempts in the history that say of a living process that it died of them.
    pub charges: BTreeSet<Charge>,
    pub processes: [Process; WORKERS],
    /// How much may still go wrong.
    pub faults_left: u8,
    /// Processes that the poison has killed.
    pub kills: u8,
    /// For each task: deaths of processes in which there was nothing else, less the crashes that it
    /// was charged with.
    pub credit: Vec<i8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TaskRow {
    pub place: Place,
    /// Token of the last attempt.
    pub token: Token,
    pub crashes: u8,
    /// In how many processes it was, among others, when they died: 0, 1, or 2 and more.
    pub suspicion: u8,
}

/// Where a task is. That it is in one place is what `route` checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    Ready,
    Suspected,
    Leased(Lease),
    /// In the dead letters.
    Dead,
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    pub token: Token,
    pub worker: WorkerId,
    pub expired: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct WorkerRow {
    /// Leases were taken from it, so that it may be at more than it holds.
    pub robbed: bool,
    /// What was charged because it seemed to have died.
    pub charged: Option<(Task, Token)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Charge {
    pub worker: WorkerId,
    pub task: Task,
    pub token: Token,
}

/// A process: performs tasks, renews its leases, sweeps. None of it outlives the process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Process {
    /// Some connection of it holds the presence lock. Without one the work goes on.
    pub present: bool,
    pub frozen: Frozen,
    /// Sorted, so that the order of claims makes no states of its own.
    pub attempts: Vec<Attempt>,
    /// The answer of a claim was lost.
    pub astray: bool,
    pub sweep: Sweep,
    /// A lease that was taken over, to make its task a dead letter.
    pub dead_lettering: Option<(Task, Token)>,
    /// Last, so that processes are sorted by what they do.
    pub id: WorkerId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frozen {
    No,
    /// With no transaction open, or none any more.
    Idle,
    /// In the middle of a completion, with the lock of the task's run.
    Holding(Task),
}

/// An execution of a task in a process's memory, whether its lease is still there or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt {
    pub task: Task,
    pub token: Token,
    pub begun: bool,
    pub company: Company,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Company {
    Any,
    /// No other suspect.
    NoSuspect,
    Nobody,
}

/// How far a sweeper is with a worker of which it has seen no lock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sweep {
    Idle,
    Looked(WorkerId),
    /// Leases to take: of this worker, or expired ones.
    Read(Option<WorkerId>, Vec<Candidate>),
    /// A task whose worker died of it for the last time.
    Found(Candidate),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Candidate {
    pub task: Task,
    pub token: Token,
    /// The process died of it, as it seems.
    pub charged: bool,
    /// And for the last time.
    pub last: bool,
}

impl Process {
    pub fn new(id: WorkerId) -> Self {
        Self {
            present: true,
            frozen: Frozen::No,
            attempts: Vec::new(),
            astray: false,
            sweep: Sweep::Idle,
            dead_lettering: None,
            id,
        }
    }

    /// Can do something in the database.
    pub fn is_able(&self) -> bool {
        self.present && self.frozen == Frozen::No
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
        self.attempts.iter().any(|attempt| attempt.task == task)
    }
}

impl State {
    pub fn started(tasks: usize, faults: u8) -> Self {
        let ready = TaskRow {
            place: Place::Ready,
            token: 0,
            crashes: 0,
            suspicion: 0,
        };
        Self {
            tasks: vec![ready; tasks],
            rows: BTreeMap::new(),
            charges: BTreeSet::new(),
            processes: [Process::new(0), Process::new(1)],
            faults_left: faults,
            kills: 0,
            credit: vec![0; tasks],
        }
    }

    pub fn lease(&self, task: Task) -> Option<Lease> {
        match self.tasks[task].place {
            Place::Leased(lease) => Some(lease),
            _ => None,
        }
    }

    /// The leases of one worker.
    pub fn leases_of(&self, worker: WorkerId) -> impl Iterator<Item = (Task, Lease)> + '_ {
        let leases = (0..self.tasks.len()).filter_map(|task| Some((task, self.lease(task)?)));
        leases.filter(move |(_, lease)| lease.worker == worker)
    }

    pub fn holds(&self, process: usize, attempt: Attempt) -> bool {
        let id = self.processes[process].id;
        self.lease(attempt.task)
            .is_some_and(|lease| lease.token == attempt.token && lease.worker == id)
    }

    /// A worker that has not died.
    pub fn process_of(&self, worker: WorkerId) -> Option<&Process> {
        self.processes.iter().find(|process| process.id == worker)
    }

    /// Some session holds its presence lock. Those of a frozen process stay.
    pub fn is_present(&self, worker: WorkerId) -> bool {
        self.process_of(worker)
            .is_some_and(|process| process.present)
    }

    /// Somebody stands still with this task's run in his hand.
    pub fn is_locked(&self, task: Task) -> bool {
        let mut processes = self.processes.iter();
        processes.any(|process| process.frozen == Frozen::Holding(task))
    }

    pub fn row(&self, worker: WorkerId) -> WorkerRow {
        self.rows.get(&worker).copied().unwrap_or_default()
    }

    pub fn is_over(&self, task: Task) -> bool {
        matches!(self.tasks[task].place, Place::Dead | Place::Done)
    }
}
