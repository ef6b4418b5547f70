//! What can go wrong with a decode, sorted by what happens next. Not the wording shown to users.

use std::fmt;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

/// A decode that gave no result. The variant says whose fault it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The file is refused; trying again gives the same answer.
    #[error(transparent)]
    Rejected(Rejection),
    /// The file needed more of a resource than one decode may use. The file's fault too.
    #[error("decode stopped at its {resource} limit of {allowed}")]
    LimitHit {
        /// What ran out.
        resource: Resource,
        /// How much was allowed, with its unit.
        allowed: String,
    },
    /// The caller's token was cancelled; the child is gone.
    #[error("decode cancelled")]
    Cancelled,
    /// The decoder died or panicked: a bug in it, an attack on it, or a machine out of memory. See
    /// [`DecodeError::is_the_files`].
    #[error("decoder crashed ({}): {stderr}", signal_name(*.signal))]
    Crashed {
        /// The signal that ended it, if one did.
        signal: Option<i32>,
        /// The end of what it printed, at most 4 KiB.
        stderr: String,
    },
    /// The child answered something that no honest child answers.
    #[error("decoder broke the protocol: {0}")]
    Protocol(&'static str),
    /// The request itself is wrong: ours to fix.
    #[error("invalid render plan: {0}")]
    InvalidPlan(&'static str),
    /// The kernel lacks what the sandbox needs, or the child could not set it up: ours to fix.
    #[error("decoder sandbox not available: {0}")]
    Sandbox(String),
    /// The machine failed us: try again.
    #[error("decode failed: {context}")]
    Io {
        /// What was being done.
        context: &'static str,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

impl DecodeError {
    /// The stable code to show to the file's owner, if the file is at fault.
    pub fn reject_code(&self) -> Option<RejectCode> {
        match self {
            Self::Rejected(rejection) => Some(rejection.code),
            Self::LimitHit { .. } => Some(RejectCode::DecodeLimitExceeded),
            _ => None,
        }
    }

    /// Whether the decoder died of what it was given, as far as one death tells: it panicked, or the
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

    pub(crate) fn io(context: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { context, source }
    }
}

fn signal_name(signal: Option<i32>) -> String {
    signal.map_or_else(|| "exit".to_owned(), |number| format!("signal {number}"))
}

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Rejection {
    /// Stable code, one per cause.
    pub code: RejectCode,
    /// The limit that was exceeded, with its unit.
    pub limit: Option<String>,
    /// What the file has instead, with its unit.
    pub measured: Option<String>,
    /// For operators: where the decoder stopped and why.
    pub detail: String,
}

impl Rejection {
    pub(crate) fn corrupt(detail: impl Into<String>) -> Self {
        Self {
            code: RejectCode::CorruptImage,
            limit: None,
            measured: None,
            detail: detail.into(),
        }
    }

    pub(crate) fn unsupported(measured: impl Into<String>) -> Self {
        let measured = measured.into();
        let detail = format!("{measured} is not decoded here");
        Self {
            code: RejectCode::UnsupportedType,
            limit: None,
            measured: Some(measured),
            detail,
        }
    }

    pub(crate) fn over(code: RejectCode, limit: u64, measured: u64, unit: &str) -> Self {
        Self {
            code,
            limit: Some(format!("{limit} {unit}")),
            measured: Some(format!("{measured} {unit}")),
            detail: format!("{measured} {unit}, at most {limit} allowed"),
        }
    }
}

/// Stable codes for refused files. A name, once published, keeps its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RejectCode {
    /// The container or its pixel data is broken or cut short.
    CorruptImage,
    /// Not an image, or a kind of image that is not decoded here.
    UnsupportedType,
    /// More bytes than one decode reads.
    FileTooLarge,
    /// Wider than allowed.
    TooWide,
    /// Taller than allowed.
    TooTall,
    /// Width times height is over the limit.
    TooManyPixels,
    /// An animation with more frames than allowed.
    TooManyFrames,
    /// Decoding needed more memory, CPU or time than one file may use.
    DecodeLimitExceeded,
}

impl RejectCode {
    /// The code as it appears in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CorruptImage => "corrupt_image",
            Self::UnsupportedType => "unsupported_type",
            Self::FileTooLarge => "file_too_large",
            Self::TooWide => "too_wide",
            Self::TooTall => "too_tall",
            Self::TooManyPixels => "too_many_pixels",
            Self::TooManyFrames => "too_many_frames",
            Self::DecodeLimitExceeded => "decode_limit_exceeded",
        }
    }
}

impl fmt::Display for RejectCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A resource that one decode may use only so much of.
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
        let crashed = |signal: Option<Signal>| DecodeError::Crashed {
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
