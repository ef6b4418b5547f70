//! What a caller writes: steps, and workflows made of them. Nothing here does I/O.

pub(crate) mod actor;
pub mod backoff;
mod checkpoints;
pub(crate) mod detail;
pub(crate) mod hooks;
pub(crate) mod ids;
pub(crate) mod lane;
pub(crate) mod letter_filter;
pub(crate) mod panics;
pub mod payload;
pub mod record;
pub(crate) mod reports;
pub(crate) mod results;
pub(crate) mod run;
pub(crate) mod shape;
pub mod step;
pub mod workflow;
