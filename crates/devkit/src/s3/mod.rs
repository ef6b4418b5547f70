//! An S3 server for `mediamill dev` and for tests: real HTTP, real signatures, files in a folder.
//!
//! It is strict where S3 is strict (signed lengths and headers, `ETag`s, part order, preconditions), so that what works against it
//! works against S3, and it is honest about the rest: what it does not support answers `NotImplemented`. It is private
//! always: there are no anonymous reads. It is one process over one folder, without replication, versioning or
//! lifecycle rules, so it is not for production.
//!
//! Writes are atomic at any time. They are flushed to the disk before they are acknowledged only with
//! [`S3Options::sync_writes`]; without it a power cut, unlike a crash of the process, can lose the last seconds.

mod cors;
mod drain;
mod forms;
mod server;
mod service;
mod signed_headers;
mod store;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

pub use self::server::{S3Server, S3ServerError};

/// Settings of an [`S3Server`].
#[derive(Clone)]
pub struct S3Options {
    /// Folder that holds everything; made when missing. One server per folder.
    pub root: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The one access key.
    pub access_key_id: String,
    /// Its secret; never printed.
    pub secret_access_key: String,
    /// Origins whose pages may call, such as `http://localhost:8080`; `*` means all.
    pub cors_origins: Vec<String>,
    /// Flush every write to the disk before it is acknowledged. Off is right for development.
    pub sync_writes: bool,
}

impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Options")
            .field("root", &self.root)
            .field("listen", &self.listen)
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &"[redacted]")
            .field("cors_origins", &self.cors_origins)
            .field("sync_writes", &self.sync_writes)
            .finish()
    }
}
