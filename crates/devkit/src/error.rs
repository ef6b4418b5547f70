//! What can keep a private service from running.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

/// Why a service could not be started, used or stopped. The messages are for the person at the
/// terminal: each names the path, program or log file to look at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A program is not installed.
    #[error("{program} was not found; install it ({hint})")]
    Missing {
        /// The program's name.
        program: &'static str,
        /// How to install it.
        hint: &'static str,
    },
    /// The data was written by another major version than any that is installed.
    #[error("{} was made by Postgres {wanted}, and only {installed} is installed", .data.display())]
    WrongVersion {
        /// The cluster's folder.
        data: PathBuf,
        /// The major version in its `PG_VERSION`.
        wanted: String,
        /// The major versions that were found.
        installed: String,
    },
    /// Another live process of ours uses this folder.
    #[error("{} is in use by another running mediamill", .0.display())]
    InUse(PathBuf),
    /// A file or folder could not be made or read.
    #[error("cannot {action} {}", .path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A folder in a shared place belongs to somebody else.
    #[error("{} exists and is not ours; remove it or set XDG_RUNTIME_DIR", .0.display())]
    NotOurs(PathBuf),
    /// A process could not be started.
    #[error("cannot start {program}")]
    Spawn {
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A process ended that should not have.
    #[error("{program} ended with {status}; see {}", .log.display())]
    Exited {
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// Where it wrote what it had to say.
        log: PathBuf,
    },
    /// A service did not answer in time.
    #[error("{program} did not get ready within {within:?}; see {}", .log.display())]
    NotReady {
        program: String,
        /// How long we waited.
        within: Duration,
        /// Where it wrote what it had to say.
        log: PathBuf,
    },
    /// A process would not end.
    #[error("process {pid}, left over from an earlier run, does not end")]
    Unstoppable {
        /// Its process id.
        pid: i32,
    },
    /// There is no user to run services as.
    #[error("running as root, and there is no user `nobody` to run services as")]
    NoUnprivilegedUser,
    /// A statement failed.
    #[error("cannot {action}")]
    Database {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: sqlx::Error,
    },
    /// A test's own preparation of a template failed.
    #[error("cannot prepare the template database {name}")]
    Template {
        /// The template's name.
        name: String,
        /// The preparation's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no port for a proxy.
    #[error("cannot listen on a port of 127.0.0.1")]
    Listen(#[source] io::Error),
    /// The thread that makes and drops test databases has ended.
    #[error("the test cluster has stopped")]
    ClusterStopped,
}

impl Error {
    /// For `map_err` on file system calls.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
