//! What a child gives up before it reads its first untrusted byte. One profile for each manner of child.
//!
//! [`pure`] is for our own code that computes from an open input to open outputs. [`exec`] is for programs of others,
//! which must be started and open files. Both have a life line, resource limits, Landlock and a seccomp list; what they
//! share of these is here.

pub mod exec;
pub mod pure;

use std::fmt;
use std::str::FromStr;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreated, RulesetError, RulesetStatus, Scope,
};
use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl;
use nix::sys::resource::{Resource as Rlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::limits::Limits;

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
    Process(&'static str, #[source] Errno),
    /// Landlock is missing (Linux before 5.13, or switched off) or refused the rules.
    #[error("landlock is not available")]
    Landlock(#[source] Option<RulesetError>),
    /// A path that a tool needs cannot be opened.
    #[error("a path that the tool needs cannot be opened")]
    Path(#[source] landlock::PathFdError),
    /// The kernel does not ask before reads (Linux before 5.5), so that an input could not be filled in.
    #[error("reads cannot be waited for")]
    Reads(#[source] std::io::Error),
    /// seccomp is missing or refused the filter.
    #[error("seccomp is not available")]
    Seccomp(#[source] seccompiler::Error),
}

/// The layers that may be missing under [`Mode::BestEffort`], as they turn out.
struct Layers {
    mode: Mode,
    missing: Vec<ConfineError>,
}

impl Layers {
    const fn new(mode: Mode) -> Self {
        let missing = Vec::new();
        Self { mode, missing }
    }

    fn take(&mut self, layer: Result<(), ConfineError>) -> Result<(), ConfineError> {
        match (layer, self.mode) {
            (Err(error), Mode::BestEffort) => {
                self.missing.push(error);
                Ok(())
            }
            (layer, _) => layer,
        }
    }
}

/// Has the kernel send SIGIO to this process when something happens at `pipe`, such as the end of its reader.
///
/// `PR_SET_PDEATHSIG` would watch the parent's *thread*, which in an async runtime may end long before the parent does.
/// A pipe lives exactly as long as its reader, however that one dies.
fn listen_to(pipe: libc::c_int) -> nix::Result<()> {
    // SAFETY: plain calls on a descriptor of our own; they take integers only.
    unsafe {
        Errno::result(libc::fcntl(pipe, libc::F_SETOWN, libc::getpid()))?;
        let flags = Errno::result(libc::fcntl(pipe, libc::F_GETFL))?;
        Errno::result(libc::fcntl(pipe, libc::F_SETFL, flags | libc::O_ASYNC))?;
    }
    Ok(())
}

/// Ends this process, without any clean-up, if nobody holds the reading end of `pipe` any more. Does nothing that a
/// signal handler may not do.
fn end_without_reader(pipe: libc::c_int) {
    let mut line = libc::pollfd {
        fd: pipe,
        events: 0,
        revents: 0,
    };
    // SAFETY: one valid pollfd, no waiting; _exit runs no destructors.
    unsafe {
        if libc::poll(&raw mut line, 1, 0) > 0 && line.revents & libc::POLLERR != 0 {
            libc::_exit(libc::EXIT_FAILURE);
        }
    }
}

/// Sets `limits`, and `open_files` for descriptors. `mapped_bytes` of files in memory come on top of the limit: they are
/// the kernel's to keep or drop.
fn limit_resources(
    limits: &Limits,
    mapped_bytes: u64,
    open_files: u64,
) -> Result<(), ConfineError> {
    let set = |what, resource, soft, hard| {
        setrlimit(resource, soft, hard).map_err(|errno| ConfineError::Process(what, errno))
    };
    let memory = limits.memory_bytes.saturating_add(mapped_bytes);
    let (file, cpu) = (limits.file_bytes, limits.cpu_seconds);
    set("RLIMIT_AS", Rlimit::RLIMIT_AS, memory, memory)?;
    set("RLIMIT_FSIZE", Rlimit::RLIMIT_FSIZE, file, file)?;
    // The soft limit ends the process with SIGXCPU, which names the cause; SIGKILL would not.
    set("RLIMIT_CPU", Rlimit::RLIMIT_CPU, cpu, cpu + 1)?;
    set("RLIMIT_CORE", Rlimit::RLIMIT_CORE, 0, 0)?;
    set(
        "RLIMIT_NOFILE",
        Rlimit::RLIMIT_NOFILE,
        open_files,
        open_files,
    )?;
    prctl::set_dumpable(false).map_err(|errno| ConfineError::Process("PR_SET_DUMPABLE", errno))?;
    prctl::set_no_new_privs().map_err(|errno| ConfineError::Process("PR_SET_NO_NEW_PRIVS", errno))
}

/// Rules that handle every right that Landlock knows, and grant none yet. It takes TCP and signalling others away where
/// the kernel can.
fn nothing_granted() -> Result<RulesetCreated, ConfineError> {
    let created = || {
        Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(ABI::V1))?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V5))?
            .handle_access(AccessNet::from_all(ABI::V4))?
            .scope(Scope::from_all(ABI::V6))?
            .create()
    };
    created().map_err(|error| ConfineError::Landlock(Some(error)))
}

/// Holds this process to `rules`.
fn enforce(rules: RulesetCreated) -> Result<(), ConfineError> {
    match rules.restrict_self() {
        Ok(status) if status.ruleset != RulesetStatus::NotEnforced => Ok(()),
        Ok(_) => Err(ConfineError::Landlock(None)),
        Err(error) => Err(ConfineError::Landlock(Some(error))),
    }
}
