//! How a call of a tool can fail.

use std::io;

use crate::exec::limits::{Resource, ToolLimits};

/// A call that brought no result. Who is to blame is for the caller to say: a tool that fails at a
/// stranger's file has failed because of the file, one that cannot be started has not.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The tool is not on this machine.
    #[error("{0} is not installed")]
    Missing(&'static str),
    /// The child could not be confined, so the tool was not started.
    #[error("the sandbox cannot be put up: {0}")]
    Sandbox(String),
    /// This machine's doing: no process, no pipe, no folder.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system answered.
        #[source]
        source: io::Error,
    },
    /// The tool used all it was given.
    #[error("used up its {resource}: {allowed}")]
    LimitHit {
        /// Of what.
        resource: Resource,
        /// How much it was given, in words.
        allowed: String,
    },
    /// The tool ended with an error, or by a signal that no limit explains.
    #[error("ended with {} (signal {signal:?}): {stderr}", code.unwrap_or(-1))]
    Failed {
        /// The exit code, where there was one.
        code: Option<i32>,
        /// The signal that ended it, where one did.
        signal: Option<i32>,
        /// The start and the end of what it wrote to standard error, a few KiB.
        stderr: String,
    },
    /// The reader of its output found something that is not as it must be.
    #[error("said what was not expected: {0}")]
    Output(&'static str),
}

impl ToolError {
    pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }

    pub(crate) fn limit_hit(limits: &ToolLimits, resource: Resource) -> Self {
        let allowed = limits.describe(resource);
        Self::LimitHit { resource, allowed }
    }
}
