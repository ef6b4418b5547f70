//! The sandbox: what a process gives up before it becomes a tool.
//!
//! Four layers: resource limits; Landlock, which leaves the tool's program and libraries (to read),
//! its input (to read) and its scratch folder, and takes away TCP and signalling others; a seccomp
//! list of the system calls that reading, computing and writing files take (`system_calls.rs`);
//! and a life line, by which the kernel ends the tool when the service is gone. It needs no
//! privilege and works the same for root and for nobody.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl;
use nix::sys::resource::{Resource as Rlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use serde::{Deserialize, Serialize};

use crate::exec::limits::ToolLimits;
use crate::exec::system_calls;

/// What to do on a kernel that cannot confine a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sandbox {
    /// Do not start it.
    #[default]
    Required,
    /// Start it with what there is, and say on standard error what is missing.
    BestEffort,
}

impl FromStr for Sandbox {
    type Err = UnknownSandbox;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "required" => Ok(Self::Required),
            "best-effort" => Ok(Self::BestEffort),
            _ => Err(UnknownSandbox),
        }
    }
}

impl fmt::Display for Sandbox {
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
pub struct UnknownSandbox;

/// A layer of the sandbox that could not be put up.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// A resource limit or process flag was refused.
    #[error("cannot set {0}")]
    Process(&'static str, #[source] Errno),
    /// Landlock is missing (Linux before 5.13, or switched off) or refused the rules.
    #[error("landlock is not available")]
    Landlock(#[source] Option<RulesetError>),
    /// A path that the tool needs cannot be opened.
    #[error("a path that the tool needs cannot be opened")]
    Path(#[source] landlock::PathFdError),
    /// seccomp is missing or refused the filter.
    #[error("seccomp is not available")]
    Seccomp(#[source] seccompiler::Error),
}

/// The files that a tool may see.
pub struct Room<'a> {
    /// The tool itself: read and executed.
    pub program: &'a Path,
    /// Folders and files with shared libraries: read. What is not there is left out.
    pub libraries: &'a [std::path::PathBuf],
    /// The scratch folder: files in it are read, written and removed.
    pub folder: &'a Path,
    /// The input: read. `None` where it lies in the folder or there is none.
    pub input: Option<&'a Path>,
}

/// Confines this process, and whatever it becomes, for good. Call once, with a single thread
/// running.
///
/// Returns the layers that are missing, which is only ever non-empty under
/// [`Sandbox::BestEffort`].
pub fn confine(
    room: &Room<'_>,
    limits: &ToolLimits,
    sandbox: Sandbox,
) -> Result<Vec<ConfineError>, ConfineError> {
    let mut missing = Vec::new();
    let mut allow_missing = |layer: Result<(), ConfineError>| match (layer, sandbox) {
        (Err(error), Sandbox::BestEffort) => {
            missing.push(error);
            Ok(())
        }
        (layer, _) => layer,
    };
    hold_life_line().map_err(|errno| ConfineError::Process("the life line", errno))?;
    // In this order: Landlock takes descriptors, and seccomp forbids setting limits.
    allow_missing(confine_files(room))?;
    limit_resources(limits)?;
    allow_missing(system_calls::confine().map_err(ConfineError::Seccomp))?;
    Ok(missing)
}

/// Asks the kernel to end this process when the reading end of standard input is gone.
///
/// SIGIO is sent on the pipe's only event, the end of its reader, and its default is to end the
/// process; both outlive `exec`. `PR_SET_PDEATHSIG` would watch the parent's *thread*, which in an
/// async runtime may end long before the parent does.
fn hold_life_line() -> nix::Result<()> {
    let life_line = libc::STDIN_FILENO;
    // SAFETY: plain calls on our own standard input, with integers and one valid pollfd.
    unsafe {
        signal(Signal::SIGIO, SigHandler::SigDfl)?;
        Errno::result(libc::fcntl(life_line, libc::F_SETOWN, libc::getpid()))?;
        let flags = Errno::result(libc::fcntl(life_line, libc::F_GETFL))?;
        Errno::result(libc::fcntl(life_line, libc::F_SETFL, flags | libc::O_ASYNC))?;
        let mut line = libc::pollfd {
            fd: life_line,
            events: 0,
            revents: 0,
        };
        // The reader may have gone before we began to listen.
        if libc::poll(&raw mut line, 1, 0) > 0 && line.revents & libc::POLLERR != 0 {
            libc::_exit(libc::EXIT_FAILURE);
        }
    }
    Ok(())
}

fn limit_resources(limits: &ToolLimits) -> Result<(), ConfineError> {
    let set = |what, resource, soft, hard| {
        setrlimit(resource, soft, hard).map_err(|errno| ConfineError::Process(what, errno))
    };
    let (memory, file, cpu) = (limits.memory_bytes, limits.file_bytes, limits.cpu_seconds);
    set("RLIMIT_AS", Rlimit::RLIMIT_AS, memory, memory)?;
    set("RLIMIT_FSIZE", Rlimit::RLIMIT_FSIZE, file, file)?;
    // The soft limit ends the process with SIGXCPU, which names the cause; SIGKILL would not.
    set("RLIMIT_CPU", Rlimit::RLIMIT_CPU, cpu, cpu + 1)?;
    set("RLIMIT_CORE", Rlimit::RLIMIT_CORE, 0, 0)?;
    set("RLIMIT_NOFILE", Rlimit::RLIMIT_NOFILE, 64, 64)?;
    prctl::set_dumpable(false).map_err(|errno| ConfineError::Process("PR_SET_DUMPABLE", errno))?;
    prctl::set_no_new_privs().map_err(|errno| ConfineError::Process("PR_SET_NO_NEW_PRIVS", errno))
}

/// Where the loader of shared libraries is. It is executed by the kernel beside the tool.
const LOADERS: [&str; 2] = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];

/// Handles every right that Landlock knows and grants those that the room needs.
fn confine_files(room: &Room<'_>) -> Result<(), ConfineError> {
    let refused = |error| ConfineError::Landlock(Some(error));
    let handled = || {
        Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(ABI::V1))?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V5))?
            .handle_access(AccessNet::from_all(ABI::V4))?
            .scope(Scope::from_all(ABI::V6))?
            .create()
    };
    let mut ruleset = handled().map_err(refused)?;
    let mut grant = |path: &Path, access: BitFlags<AccessFs>| {
        let beneath = PathFd::new(path).map_err(ConfineError::Path)?;
        (&mut ruleset)
            .add_rule(PathBeneath::new(beneath, access))
            .map(drop)
            .map_err(refused)
    };
    let there = |path: &&Path| path.exists();
    grant(room.program, AccessFs::ReadFile | AccessFs::Execute)?;
    for loader in LOADERS
        .map(Path::new)
        .iter()
        .copied()
        .filter(|loader| there(loader))
    {
        grant(loader, AccessFs::ReadFile | AccessFs::Execute)?;
    }
    for library in room.libraries.iter().map(AsRef::as_ref).filter(there) {
        grant(library, AccessFs::ReadFile.into())?;
    }
    grant(
        room.folder,
        AccessFs::ReadFile
            | AccessFs::ReadDir
            | AccessFs::WriteFile
            | AccessFs::Truncate
            | AccessFs::MakeReg
            | AccessFs::RemoveFile,
    )?;
    if let Some(input) = room.input {
        grant(input, AccessFs::ReadFile.into())?;
    }
    match ruleset.restrict_self() {
        Ok(status) if status.ruleset != RulesetStatus::NotEnforced => Ok(()),
        Ok(_) => Err(ConfineError::Landlock(None)),
        Err(error) => Err(refused(error)),
    }
}
