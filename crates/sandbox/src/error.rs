//! What can go wrong with a child, sorted by what happens next. Not the wording shown to users.

use std::convert::Infallible;
use std::fmt;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

/// A child that gave no result. The variant says whose fault it is. `R` is why a job refuses an input.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError<R: std::error::Error + 'static> {
    /// The file is refused; trying again gives the same answer.
    #[error(transparent)]
    Rejected(R),
    /// The file needed more of a resource than one child may use. The file's fault too.
    #[error("the child stopped at its {resource} limit of {allowed}")]
    LimitHit {
        /// What ran out.
        resource: Resource,
        /// How much was allowed, with its unit.
        allowed: String,
    },
    /// The caller's token was cancelled; the child is gone.
    #[error("the job was cancelled")]
    Cancelled,
    /// The child ended with an error, panicked, or was ended by a signal that no limit explains. See
    /// [`SandboxError::is_the_files`].
    #[error("the child {}", ending(*code, *signal, stderr))]
    Failed {
        /// Its exit code, where it ended by itself.
        code: Option<i32>,
        /// The signal that ended it, where one did.
        signal: Option<i32>,
        /// The start and the end of what it wrote to standard error, a few KiB.
        stderr: String,
    },
    /// The child answered something that no honest child answers.
    #[error("the child broke the protocol: {0}")]
    Protocol(&'static str),
    /// The request itself is wrong: ours to fix.
    #[error("invalid job: {0}")]
    InvalidJob(&'static str),
    /// A tool fails at what is no stranger's: ours to fix.
    #[error("{0}")]
    Tool(String),
    /// The kernel lacks what the sandbox needs, or the child could not set it up: ours to fix.
    #[error("the sandbox is not available: {0}")]
    Sandbox(String),
    /// The machine failed us: try again.
    #[error("the machine failed: {context}")]
    Io {
        /// What was being done.
        context: &'static str,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

/// A run of a tool that brought no result: a tool refuses nothing in words that we know.
pub type ToolError = SandboxError<Infallible>;

impl<R: std::error::Error + 'static> SandboxError<R> {
    /// Whether the child died of what it was given, as far as one death tells: it gave up, panicked, or
    /// the kernel ended it for what it did. Others may have killed it for reasons of their own, such as
    /// a machine out of memory.
    pub fn is_the_files(&self) -> bool {
        let Self::Failed { signal, .. } = self else {
            return false;
        };
        let killers = [
            Signal::SIGKILL,
            Signal::SIGTERM,
            Signal::SIGINT,
            Signal::SIGHUP,
            Signal::SIGQUIT,
            Signal::SIGPIPE,
            // A mapped file that cannot be read.
            Signal::SIGBUS,
        ];
        signal.is_none_or(|number| killers.iter().all(|killer| *killer as i32 != number))
    }

    /// The same of a caller who refuses in other words.
    pub fn map_rejection<Other: std::error::Error + 'static>(
        self,
        into: impl FnOnce(R) -> Other,
    ) -> SandboxError<Other> {
        match self {
            Self::Rejected(rejection) => SandboxError::Rejected(into(rejection)),
            Self::LimitHit { resource, allowed } => SandboxError::LimitHit { resource, allowed },
            Self::Cancelled => SandboxError::Cancelled,
            Self::Failed {
                code,
                signal,
                stderr,
            } => SandboxError::Failed {
                code,
                signal,
                stderr,
            },
            Self::Protocol(what) => SandboxError::Protocol(what),
            Self::InvalidJob(what) => SandboxError::InvalidJob(what),
            Self::Tool(what) => SandboxError::Tool(what),
            Self::Sandbox(what) => SandboxError::Sandbox(what),
            Self::Io { context, source } => SandboxError::Io { context, source },
        }
    }

    /// The machine's fault, while it did what `context` says.
    pub fn io(context: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { context, source }
    }
}

/// What a child that was killed had written says nothing about why, so it is left out.
fn ending(code: Option<i32>, signal: Option<i32>, stderr: &str) -> String {
    match (signal, code) {
        (Some(number), _) => {
            let name = Signal::try_from(number).map_or("of no name", Signal::as_str);
            format!("was killed by signal {number} ({name})")
        }
        (None, Some(code)) => format!("ended with exit code {code}: {stderr}"),
        (None, None) => format!("ended: {stderr}"),
    }
}

/// Why a child could not do its job.
#[derive(Debug)]
pub enum JobError<R> {
    /// The input's fault.
    Rejected(R),
    /// The input asks for more than it may have.
    LimitHit(Resource),
    /// The input could not be read or an output not be written.
    Io(std::io::Error),
}

/// A resource that one job may use only so much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Address space.
    Memory,
    /// CPU time.
    Cpu,
    /// Time on the wall clock.
    WallTime,
    /// Bytes of one file that is written.
    FileSize,
    /// Bytes of standard output.
    Output,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Cpu => "processor time",
            Self::WallTime => "time",
            Self::FileSize => "file size",
            Self::Output => "output",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: Option<i32>, signal: Option<Signal>, stderr: &str) -> ToolError {
        ToolError::Failed {
            code,
            signal: signal.map(|signal| signal as i32),
            stderr: stderr.to_owned(),
        }
    }

    #[test]
    fn an_ending_is_told_in_words() {
        let killed = failed(None, Some(Signal::SIGKILL), "Warning: a frame is late");
        assert_eq!(
            killed.to_string(),
            "the child was killed by signal 9 (SIGKILL)"
        );
        let gave_up = failed(Some(1), None, "Invalid data found");
        assert_eq!(
            gave_up.to_string(),
            "the child ended with exit code 1: Invalid data found"
        );
    }

    #[test]
    fn who_is_killed_by_others_is_not_the_files_fault() {
        let crashed = |signal: Option<Signal>| failed(None, signal, "");
        // A panic ends with a code, and the kernel ends what misbehaves.
        for signal in [
            None,
            Some(Signal::SIGSEGV),
            Some(Signal::SIGABRT),
            Some(Signal::SIGSYS),
        ] {
            assert!(crashed(signal).is_the_files(), "{signal:?}");
        }
        // The kernel for want of memory, or an operator.
        for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGBUS] {
            assert!(!crashed(Some(signal)).is_the_files(), "{signal}");
        }
    }
}
