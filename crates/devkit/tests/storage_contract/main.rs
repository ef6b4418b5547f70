//! What the project asks of an object store, over real HTTP.
//!
//! Runs against the embedded server, or against the store that `S3_CONTRACT_ENDPOINT`, `S3_CONTRACT_ACCESS_KEY` and
//! `S3_CONTRACT_SECRET_KEY` name (`S3_CONTRACT_REGION` too, if it is not `us-east-1`). Against another store the tests
//! of files, restarts and cross-origin headers do nothing, and a failure is a fact about that store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::disallowed_methods, reason = "a test is its own clock")]

mod checksums;
mod contract;
mod copies;
mod cross_origin;
mod durability;
mod keys;
mod listings;
mod multipart;
mod objects;
mod post_forms;
mod signatures;
mod streams;
mod unsigned_headers;
