//! The HTTP interface against a real database and a real object store, as a client sees it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![expect(clippy::disallowed_methods, reason = "a test is its own clock")]

mod admin;
mod bounds;
mod contract;
mod jwt;
mod listing;
mod plans;
mod problems;
mod quotas;
mod rates;
mod repeats;
mod service;
mod types;
mod uploads;
mod uppy;
mod walk;
mod words;
