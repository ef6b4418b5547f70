//! The wiring: makes the parts of a worker process, runs them under supervision, and takes them down in
//! the right order.

pub(crate) mod builder;
pub(crate) mod config;
pub(crate) mod error;
pub(crate) mod health;
pub(crate) mod parts;
pub(crate) mod register;
pub(crate) mod shutdown;
pub(crate) mod supervisor;
pub mod testing;
