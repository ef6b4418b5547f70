//! The operations under `/v1`: a folder for each resource, a file for each operation.

pub(crate) mod account;
pub mod admin;
pub(crate) mod codes;
pub mod files;
pub(crate) mod health;
pub(crate) mod metadata;
pub(crate) mod plans;
pub(crate) mod upload_tokens;
pub mod uploads;
