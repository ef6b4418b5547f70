//! The rules of blame, each with the slips that are easily made.

#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub charges: Charges,
    pub count: Count,
    pub forgiveness: Forgiveness,
    pub burial: Burial,
    pub locked: Locked,
    pub suspects: Suspects,
    pub expiry: Expiry,
    pub frozen: FrozenSessions,
    pub strays: Strays,
}

impl Rules {
    /// With which every promise is kept.
    pub const SOUND: Self = Self {
        charges: Charges::WhoWasAlone,
        count: Count::UntilCleared,
        forgiveness: Forgiveness::ByTheRow,
        burial: Burial::OfTheGone,
        locked: Locked::PassedOver,
        suspects: Suspects::Apart,
        expiry: Expiry::OfThePresent,
        frozen: FrozenSessions::LoseTheirTransaction,
        strays: Strays::ButBurials,
    };
}

/// Whom a rescue charges with a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charges {
    /// The task that the lost worker had, if it had one.
    WhoWasAlone,
    /// Slip: all that it had.
    Everybody,
}

/// How it is known how many tasks a worker had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// By its leases; once some were taken it is not known, until the worker shows in a heartbeat that it
    /// is at nothing but what it holds.
    UntilCleared,
    /// Slip: by its leases. A task whose lease was taken may still be at work in the process.
    Leases,
}

/// How a worker that has returned takes charges back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgiveness {
    /// What was charged stands in its row until it has seen it.
    ByTheRow,
    /// Slip: at its first heartbeat, those of what it has in hand.
    OfWhatIsInHand,
}

/// When a task is dead-lettered because its worker died of it for the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Burial {
    /// When the worker has been away so long that it will not come back.
    OfTheGone,
    /// Slip: as soon as it is away.
    AtOnce,
}

/// What a rescue does about a run that somebody has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locked {
    PassedOver,
    /// Slip: one transaction for all, which waits for every run.
    WaitedFor,
}

/// How tasks are claimed that were in a process when it died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspects {
    /// One at a time; from the second time on with nothing beside it.
    Apart,
    /// Slip: as all others.
    Together,
}

/// Whose expired leases are taken for no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Of workers whose lock is held. The others are lost workers, even if nobody has seen it yet.
    OfThePresent,
    /// Slip: everybody's. Where a process is started again later than its leases last, nobody is ever
    /// suspected.
    OfAnybody,
}

/// What becomes of the transaction of a process that stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrozenSessions {
    LoseTheirTransaction,
    /// Slip: it stays open, with its locks.
    KeepIt,
}

/// What a process works on of what it has by the database's word and does not know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strays {
    /// Not on what its sweeper has taken over, to make it a dead letter.
    ButBurials,
    /// Slip: everything, the poison too.
    All,
}
