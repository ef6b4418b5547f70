//! The engine's tables, cut down to what the protocol decides by.
//!
//! The tables stay apart as they are in Postgres, although one enum per task would be smaller:
//! "a task is in exactly one place" is then something to check and not something assumed.

/// The tasks of the one run: a parent, the two children it fans out to, and their join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Task {
    Parent,
    FirstChild,
    SecondChild,
    Join,
}

impl Task {
    pub const ALL: [Self; 4] = [
        Self::Parent,
        Self::FirstChild,
        Self::SecondChild,
        Self::Join,
    ];
    pub const CHILDREN: [Self; 2] = [Self::FirstChild, Self::SecondChild];

    pub fn is_child(self) -> bool {
        Self::CHILDREN.contains(&self)
    }
}

/// Proves an attempt's right to its task. Counted per task, where the engine takes the time and a
/// number, or one more than the task's last: tokens are only ever compared within a task, and that they
/// may grow by more makes no difference.
pub type Token = u8;

/// Names one process. A process that comes back after a crash has a new name.
pub type WorkerId = u8;

/// A table with at most one row per task.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Table<Row>([Option<Row>; Task::ALL.len()]);

impl<Row> Default for Table<Row> {
    fn default() -> Self {
        Self([const { None }; Task::ALL.len()])
    }
}

impl<Row> Table<Row> {
    pub fn get(&self, task: Task) -> Option<&Row> {
        self.0[task as usize].as_ref()
    }

    pub fn get_mut(&mut self, task: Task) -> Option<&mut Row> {
        self.0[task as usize].as_mut()
    }

    pub fn has(&self, task: Task) -> bool {
        self.get(task).is_some()
    }

    pub fn insert(&mut self, task: Task, row: Row) {
        self.0[task as usize] = Some(row);
    }

    pub fn delete(&mut self, task: Task) -> Option<Row> {
        self.0[task as usize].take()
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut Row> {
        self.0.iter_mut().flatten()
    }
}

/// Where the run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Run {
    Running,
    /// Waits for a decision about a dead letter.
    Dead,
    Succeeded,
    Rejected,
    Cancelled,
}

impl Run {
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Rejected | Self::Cancelled)
    }
}

/// A live task with what it spent so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TaskRow {
    pub errors: u8,
    pub crashes: u8,
    /// Token of the last attempt that ended.
    pub token: Token,
    /// It was in a process when it died.
    pub suspected: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lease {
    pub token: Token,
    pub worker: WorkerId,
    pub expired: bool,
    /// Reached the disk. Claims commit asynchronously, so a crash of the database can forget them.
    pub durable: bool,
}

/// Everything that a crash of all workers leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Database {
    pub run: Run,
    pub tasks: Table<TaskRow>,
    pub ready: Table<()>,
    /// Ready as well, but one at a time in each process.
    pub suspects: Table<()>,
    pub deferred: Table<()>,
    pub leases: Table<Lease>,
    pub dead_letters: Table<TaskRow>,
    /// Children that the join still waits for; the row is gone with the last of them.
    pub fan_out: Option<u8>,
}

impl Database {
    /// A run that was just started.
    pub fn started() -> Self {
        let mut database = Self {
            run: Run::Running,
            tasks: Table::default(),
            ready: Table::default(),
            suspects: Table::default(),
            deferred: Table::default(),
            leases: Table::default(),
            dead_letters: Table::default(),
            fan_out: None,
        };
        database.insert(Task::Parent, TaskRow::default());
        database
    }

    /// Inserts a task, claimable at once.
    pub fn insert(&mut self, task: Task, row: TaskRow) {
        self.tasks.insert(task, row);
        self.make_ready(task);
    }

    /// Makes a task claimable that is nowhere.
    pub fn make_ready(&mut self, task: Task) {
        match self.tasks.get(task) {
            Some(row) if row.suspected => self.suspects.insert(task, ()),
            Some(_) => self.ready.insert(task, ()),
            None => {}
        }
    }

    /// Moves a task into the dead letters and stops its run there. Siblings go on.
    pub fn dead_letter(&mut self, task: Task) {
        if let Some(row) = self.tasks.delete(task) {
            self.dead_letters.insert(task, row);
        }
        if self.run == Run::Running {
            self.run = Run::Dead;
        }
    }

    /// Ends the run as it stands and takes away all that was left of it to do or to decide. A dead
    /// letter that stayed could be re-driven into a run that has ended.
    pub fn abandon(&mut self, end: Run) {
        self.run = end;
        self.tasks = Table::default();
        self.ready = Table::default();
        self.suspects = Table::default();
        self.deferred = Table::default();
        self.leases = Table::default();
        self.dead_letters = Table::default();
        self.fan_out = None;
    }

    /// A synchronous commit takes everything before it to the disk, the claims among it.
    pub fn flush(&mut self) {
        for lease in self.leases.rows_mut() {
            lease.durable = true;
        }
    }
}
