//! What a child gives up before it reads its first untrusted byte. One profile for each manner of child.
//!
//! [`pure`] is for our own code that computes from an open input to open outputs. A profile for programs of others,
//! which must be started and open files, is another file beside it.

pub mod pure;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What to do on a kernel that cannot confine a child.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Refuse to work.
    #[default]
    Required,
    /// Work with what there is, and say on standard error what is missing.
    BestEffort,
}

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "required" => Ok(Self::Required),
            "best-effort" => Ok(Self::BestEffort),
            _ => Err(UnknownMode),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Required => "required",
            Self::BestEffort => "best-effort",
        })
    }
}

/// A sandbox mode that is neither `required` nor `best-effort`.
#[derive(Debug, thiserror::Error)]
#[error("sandbox mode must be `required` or `best-effort`")]
pub struct UnknownMode;

/// A layer of the sandbox that could not be put up.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// A resource limit or process flag was refused.
    #[error("cannot set {0}")]
    Process(&'static str, #[source] nix::errno::Errno),
    /// Landlock is missing (Linux before 5.13, or switched off) or refused the rules.
    #[error("landlock is not available")]
    Landlock(#[source] Option<landlock::RulesetError>),
    /// seccomp is missing or refused the filter.
    #[error("seccomp is not available")]
    Seccomp(#[source] seccompiler::Error),
}
