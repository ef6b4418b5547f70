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
//! Where things are: [`step`] what a step is and how its errors decide what happens next, [`Record`]
//! what it writes with its result, [`workflow`] the typed route, `plan` the pure decision about a
//! finished attempt, `store` every SQL statement of the hot path, `runtime` what a worker process runs
//! (apalis workers over our own backend), [`admin`] what people do with runs and dead letters,
//! [`inspect`] reading runs for a program, [`events`] what happened to runs, to follow from a position,
//! [`wait`] for a run's result, [`testing`] runs to their ends in tests, [`faults`] where the tests make
//! a process die. This crate knows nothing of what its runs are about.

pub mod admin;
pub mod backoff;
mod claim;
pub mod events;
mod failure;
pub mod faults;
mod fingerprint;
mod hints;
pub mod inspect;
mod panics;
mod payload;
mod plan;
mod record;
mod reports;
mod runtime;
mod shape;
mod start;
pub mod step;
mod store;
pub mod testing;
pub mod wait;
pub mod workflow;

pub use backoff::Backoff;
pub use hints::Hints;
pub use payload::PayloadError;
pub use record::{BoxError, Record};
pub use runtime::{Engine, EngineConfig, EngineError, Health, Rehearsal};
pub use start::{RunId, StartError, Starter};
pub use step::{
    Attempt, Done, FanOut, Joined, Missing, NextOnError, Rejection, Step, StepError, StepSettings,
};
pub use store::schema::{
    MigrateError, SCHEMA_LEVEL, SchemaError, SchemaTooNew, check_schema, migrate, schema_version,
};
pub use workflow::{Outcome, Rejected, Revival, RunEnd, RunHooks, Workflow};
