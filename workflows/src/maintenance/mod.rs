//! Recovery, and whatever else is due by the clock: each process does its share, at intervals.

pub(crate) mod absences;
pub(crate) mod bulk_redrive;
pub(crate) mod pruner;
pub(crate) mod scheduler;
pub(crate) mod sweeper;
