//! How a file's upload ends badly, and the exit code that says so.

use std::process::ExitCode;

/// The exit codes as `--help` shows them.
pub const EXIT_CODES: &str = "\
Exit codes: 0 every file was sent, or with --wait is READY. Otherwise the highest that applies:
    1  a file could not be read or sent, or waits for an operator
    2  the command line cannot be used
    3  a file was refused
    4  --timeout was over
    5  the API key was refused
    6  the API or the object store could not be reached
  130  interrupted
  141  nobody read the output

When a command did not come to its end with every file, the same command goes on where it stopped: what was sent is
not sent again, and with --wait is waited for.";

/// Why a file's upload ended badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// Anything else.
    Other = 1,
    /// The service refused the file.
    Refused = 3,
    /// The time that was given is over.
    TimedOut = 4,
    /// The key is unknown or may not.
    Key = 5,
    /// The service is away or unwell.
    Unreachable = 6,
}

impl From<Failure> for ExitCode {
    fn from(failure: Failure) -> Self {
        Self::from(failure as u8)
    }
}

/// What SIGINT and SIGTERM make of it: 128 and the number of SIGINT.
pub const INTERRUPTED: u8 = 130;
