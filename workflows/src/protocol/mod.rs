//! The rules of the engine, without any I/O: what a claim is, what follows from a finished attempt, and
//! how errors are kept.

pub(crate) mod completion;
pub(crate) mod decide;
pub mod failpoints;
pub(crate) mod failure;
pub(crate) mod fingerprint;
pub(crate) mod position;
pub mod state;
pub(crate) mod stop;
pub(crate) mod task;

/// Name of the engine's own workflow, which removes old runs, and of its schedule and queue.
pub(crate) const UPKEEP: &str = "workflows.upkeep";
