//! What can go wrong with a job, sorted by what happens next. Not the wording shown to users.

use std::fmt;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

/// A job that gave no result. The variant says whose fault it is. `R` is why the job refuses an input.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError<R: std::error::Error + 'static> {
    /// The file is refused; trying again gives the same answer.
    #[error(transparent)]
    Rejected(R),
    /// The file needed more of a resource than one job may use. The file's fault too.
    #[error("the job stopped at its {resource} limit of {allowed}")]
    LimitHit {
        /// What ran out.
        resource: Resource,
        /// How much was allowed, with its unit.
        allowed: String,
    },
    /// The caller's token was cancelled; the child is gone.
    #[error("the job was cancelled")]
    Cancelled,
    /// The child died or panicked: a bug in it, an attack on it, or a machine out of memory. See
    /// [`SandboxError::is_the_files`].
    #[error("the child crashed ({}): {stderr}", signal_name(*.signal))]
    Crashed {
        /// The signal that ended it, if one did.
        signal: Option<i32>,
        /// The end of what it printed, at most 4 KiB.
        stderr: String,
    },
    /// The child answered something that no honest child answers.
    #[error("the child broke the protocol: {0}")]
    Protocol(&'static str),
    /// The job itself is wrong: ours to fix.
    #[error("invalid job: {0}")]
    InvalidJob(&'static str),
    /// The kernel lacks what the sandbox needs, or the child could not set it up: ours to fix.
    #[error("the sandbox is not available: {0}")]
    Sandbox(String),
    /// The machine failed us: try again.
    #[error("the job failed: {context}")]
    Io {
        /// What was being done.
        context: &'static str,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

impl<R: std::error::Error + 'static> SandboxError<R> {
    /// Whether the child died of what it was given, as far as one death tells: it panicked, or the
    /// kernel ended it for what it did. Others may have killed it for reasons of their own, such as a
    /// machine out of memory.
    pub fn is_the_files(&self) -> bool {
        let Self::Crashed { signal, .. } = self else {
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

    /// The machine's fault, while it did what `context` says.
    pub fn io(context: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { context, source }
    }
}

fn signal_name(signal: Option<i32>) -> String {
    signal.map_or_else(|| "exit".to_owned(), |number| format!("signal {number}"))
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
    /// Bytes of one output file.
    OutputSize,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::WallTime => "wall time",
            Self::OutputSize => "output size",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_killed_by_others_is_not_the_files_fault() {
        let crashed = |signal: Option<Signal>| SandboxError::<std::convert::Infallible>::Crashed {
            signal: signal.map(|signal| signal as i32),
            stderr: String::new(),
        };
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
