//! What workers do with files.
//!
//! [`workflows`] holds one route a file, each on one screen. `steps` has a room for each step: `mod.rs`
//! (I/O in order) and, where there is something to decide, `decide.rs` (no I/O). `kinds` has a folder for each
//! kind of media: what differs between images and whatever else. `facts` is what the steps hand on: ids,
//! keys, hashes and probe results, never bytes. [`tools`] is what they work with.
//! [`reconcile`] compares the buckets with the database, for operators.

mod config;
mod errors;
mod facts;
mod kinds;
mod queues;
pub mod reconcile;
mod steps;
pub mod tools;
pub mod workflows;

pub use config::{OfficeAt, WorkersConfig};
pub use tools::Context;
