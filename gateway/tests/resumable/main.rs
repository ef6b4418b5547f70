//! Resumable uploads over a real database and object store: both protocols, byte by byte.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![expect(clippy::disallowed_methods, reason = "a test is its own clock")]

mod bounds;
mod client;
mod concat;
mod draft;
mod interim;
mod rules;
mod service;
mod takeover;
mod tus;

/// Where uploads are made.
const CREATE: &str = "/v1/resumable";
