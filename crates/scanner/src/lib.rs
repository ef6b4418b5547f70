//! A client for the `ClamAV` daemon that never takes "not scanned" for "clean".
//!
//! ```no_run
//! # async fn example(chunks: Vec<Vec<u8>>) -> Result<(), scanner::ClamdError> {
//! use scanner::{ClamdClient, Verdict};
//!
//! let clamd = ClamdClient::new("unix:/run/clamav/clamd.ctl".parse()?);
//! clamd.verify_coverage().await?;
//! let mut scan = clamd.begin().await?;
//! for chunk in chunks {
//!     scan.write(&chunk).await?; // and hash it, and keep it: one read serves all
//! }
//! match scan.finish().await? {
//!     Verdict::Clean => {}
//!     Verdict::Infected { signature } => println!("infected: {signature}"),
//!     Verdict::NotCovered { reason } => println!("nobody knows: {reason}"),
//! }
//! # Ok(()) }
//! ```
//!
//! The protocol is clamd(8)'s, one connection a command. This does not configure or start a daemon,
//! and decides nothing about the file.

mod address;
mod alive;
mod connection;
mod coverage;
mod pieces;
mod scan;
mod verdict;
mod version;

use std::{io, time::Duration};

pub use address::ClamdAddress;
use connection::Connection;
pub use coverage::eicar;
pub use pieces::{MAX_PIECE_BYTES, MIN_PIECE_BYTES, pieces};
pub use scan::Scan;
pub use verdict::Verdict;
pub use version::{Signatures, Version};

/// How long the daemon may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// To take a connection.
    pub connect: Duration,
    /// To take in the next chunk, or to answer a question that needs no scan.
    pub stall: Duration,
    /// From the last byte to the verdict, by a daemon that answers meanwhile. More than its own
    /// `MaxScanTime`, which counts for small files as for large ones: its "time limit exceeded" is a
    /// verdict, and the end of our patience is none.
    pub verdict: Duration,
    /// Between two pings while something is waited for.
    pub between_pings: Duration,
    /// To answer a ping. One that does not hangs, whatever it is at.
    pub ping: Duration,
    /// For a whole scan, the caller's reading included.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            stall: Duration::from_secs(30),
            verdict: Duration::from_mins(6),
            between_pings: Duration::from_secs(5),
            ping: Duration::from_secs(10),
            total: Duration::from_mins(30),
        }
    }
}

/// A daemon's address and our patience with it. Cheap to clone; holds no connection.
#[derive(Debug, Clone)]
pub struct ClamdClient {
    address: ClamdAddress,
    timeouts: Timeouts,
}

impl ClamdClient {
    /// A client with the default [`Timeouts`].
    pub fn new(address: ClamdAddress) -> Self {
        Self {
            address,
            timeouts: Timeouts::default(),
        }
    }

    /// The same client with other patience.
    #[must_use]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// Asks whether the daemon is up. It is only once its signatures are loaded.
    pub async fn ping(&self) -> Result<(), ClamdError> {
        match self.ask(b"zPING\0").await? {
            reply if reply == "PONG" => Ok(()),
            reply => Err(ClamdError::UnexpectedReply { reply }),
        }
    }

    /// The daemon's version, and how old its signatures are.
    pub async fn version(&self) -> Result<Version, ClamdError> {
        let reply = self.ask(b"zVERSION\0").await?;
        Ok(Version::parse(&reply))
    }

    /// Whether the daemon scans at all: asked about a harmless file, it says so at once. Tells a
    /// daemon in trouble from one that has trouble with one file.
    pub async fn clears_what_is_harmless(&self) -> bool {
        let scan = coverage::scan(self, coverage::HARMLESS);
        let verdict = tokio::time::timeout(self.timeouts.stall, scan).await;
        matches!(verdict, Ok(Ok(Verdict::Clean)))
    }

    /// Starts a scan of bytes to come.
    pub async fn begin(&self) -> Result<Scan, ClamdError> {
        Scan::begin(self).await
    }

    /// Proves with three tiny scans that a "clean" from this daemon means something: it finds the
    /// EICAR test file, clears an innocent one, and does not say "clean" of what its limits kept it
    /// from scanning. A worker should refuse to run without this.
    pub async fn verify_coverage(&self) -> Result<(), ClamdError> {
        coverage::verify(self).await
    }

    async fn ask(&self, command: &[u8]) -> Result<String, ClamdError> {
        let mut connection = Connection::open(self).await?;
        connection.send(&[command], self.timeouts.stall).await?;
        connection.reply(self.timeouts.stall).await
    }
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClamdError {
    /// The address is neither `unix:/path` nor `tcp://host:port`.
    #[error("not a clamd address: {0:?} (want unix:/path or tcp://host:port)")]
    Address(String),
    /// The daemon cannot be reached.
    #[error("cannot connect to clamd at {address}")]
    Connect {
        /// Where it was looked for.
        address: ClamdAddress,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The connection broke, and the daemon left no word.
    #[error("lost the connection to clamd")]
    Connection(#[source] io::Error),
    /// The daemon took too long.
    #[error("clamd took more than {limit:?} to {action}")]
    Timeout {
        /// What was waited for, as a verb.
        action: &'static str,
        /// The limit that was passed.
        limit: Duration,
    },
    /// The daemon hangs, or is loading its signatures.
    #[error("clamd did not answer a ping within {limit:?}")]
    Unresponsive {
        /// The limit that was passed.
        limit: Duration,
    },
    /// The daemon answers others, and has no verdict on this file.
    #[error("clamd had no verdict after {limit:?}")]
    NoVerdict {
        /// The limit that was passed.
        limit: Duration,
    },
    /// The daemon hung up in the middle of its reply, or before it.
    #[error("clamd closed the connection without a complete reply")]
    NoReply,
    /// The daemon says that it failed, for want of memory or disk for example.
    #[error("clamd could not scan: {message}")]
    Scanner { message: String },
    /// The reply is none that the protocol has.
    #[error("clamd gave an unexpected reply: {reply:?}")]
    UnexpectedReply {
        /// The reply, at most a few KiB.
        reply: String,
    },
    /// The daemon works and is not to be relied on.
    #[error("clamd cannot be relied on: {problem}")]
    Coverage {
        /// What is wrong and how to put it right.
        problem: &'static str,
    },
}

impl ClamdError {
    /// Whether the same scan may well succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Connection(_)
            | Self::Timeout { .. }
            | Self::Unresponsive { .. }
            | Self::NoVerdict { .. }
            | Self::NoReply
            | Self::Scanner { .. } => true,
            Self::Address(_) | Self::UnexpectedReply { .. } | Self::Coverage { .. } => false,
        }
    }
}
