//! The route of a file, and a room for each of its steps.
//!
//! [`route`] is the whole workflow on one screen. Each step's folder holds `mod.rs` (I/O in
//! order) and, where there is something to decide, `decide.rs` (no I/O). [`facts`] is what the
//! steps hand on: ids, keys, hashes and probe results, never bytes. [`tools`] is what they work
//! with; only there are child processes started.

mod assemble;
mod config;
mod discard;
mod errors;
pub mod facts;
mod finalize;
mod promote;
mod queues;
pub mod route;
mod scan;
pub mod tools;
mod transcode;
mod upkeep;
mod validate;

pub use config::WorkersConfig;
pub use tools::Context;
pub use upkeep::{EVERY as UPKEEP_EVERY, Round as UpkeepRound};
