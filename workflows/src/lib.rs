//! Durable, typed, multi-step workflows on a Postgres queue.
//!
//! A [`Workflow`] is a typed list of [`Step`]s. Starting one is part of the caller's own
//! transaction ([`Starter::start`]); from then on every step's result, the caller's writes, the
//! next task and the removal of the finished one commit together, fenced by an attempt token, so
//! a crash at any moment loses nothing and does nothing twice.
//!
//! ```
//! use workflows::{Attempt, Done, Step, StepError, Workflow};
//!
//! struct Double;
//! impl Step for Double {
//!     const NAME: &'static str = "double";
//!     type Context = ();
//!     type Input = i64;
//!     type Output = i64;
//!     async fn run(_: &Attempt, input: i64) -> Result<Done<i64>, StepError> {
//!         Ok(Done::new(input * 2))
//!     }
//! }
//!
//! let route: Workflow<i64> = Workflow::named("same", 1).step::<Double>().step::<Halve>().build();
//! # struct Halve;
//! # impl Step for Halve {
//! #     const NAME: &'static str = "halve";
//! #     type Context = ();
//! #     type Input = i64;
//! #     type Output = i64;
//! #     async fn run(_: &Attempt, input: i64) -> Result<Done<i64>, StepError> {
//! #         Ok(Done::new(input / 2))
//! #     }
//! # }
//! ```
//!
//! Each module uses those before it, and none behind it:
//!
//! - `define`: what a caller writes: steps, workflows, what they say of themselves;
//! - `protocol`: the rules, without any I/O: what follows from an attempt;
//! - `store`: every SQL statement;
//! - `client`: starting runs, waiting for them, reading them, following their events;
//! - `worker`: what one process runs to work on tasks;
//! - [`admin`]: what people do with runs, dead letters and queues;
//! - `maintenance`: recovery and whatever else is due by the clock;
//! - `engine`: the wiring of all that.
//!
//! This crate knows nothing of what its runs are about.

#![warn(missing_docs)]

pub mod admin;
mod client;
mod define;
mod engine;
mod maintenance;
mod protocol;
mod store;
mod worker;

pub use client::{events, hints::Hints, inspect, start::Starter, wait};
pub use define::{
    backoff::{self, Backoff},
    ids::{FencingToken, Fingerprint, LetterId, RedriveId, RunId, TaskId, WorkerId},
    payload::PayloadError,
    record::{self, BoxError, Record},
    run::StartError,
    step::{
        self, Alternative, Attempt, Done, FanOut, Joined, Missing, NextOnError, Rejection, Step,
        StepError, StepSettings,
    },
    workflow::{self, Outcome, Rejected, Revival, RunEnd, RunHooks, Workflow},
};
pub use engine::{
    builder::Engine, config::EngineConfig, error::EngineError, health::Health, testing,
};
pub use protocol::{
    failpoints,
    state::{AttemptOutcome, Cause, Resolution, RunState, StepState, UnknownWord},
};
pub use store::error::StoreError;
pub use store::schema::{
    MigrateError, SCHEMA_LEVEL, SchemaError, SchemaTooNew, SchemaUnreleased, check_schema, migrate,
    schema_version,
};
pub use worker::fault_injection::Rehearsal;
