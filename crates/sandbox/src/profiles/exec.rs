//! For programs of others, which must be started, load libraries, and open files.
//!
//! Four layers: resource limits; Landlock, which leaves the tool's program, libraries and data (to read),
//! its input (to read) and its scratch folder, and takes away TCP and signalling others; a seccomp
//! list of the system calls that reading, computing and writing files take (`system_calls.rs`);
//! and a life line, by which the kernel ends the tool when the service is gone. It needs no
//! privilege and works the same for root and for nobody.

mod reads;
mod system_calls;

use std::path::{Path, PathBuf};

use landlock::{AccessFs, BitFlags, PathBeneath, PathFd, RulesetCreatedAttr};
use nix::libc;
use nix::sys::signal::{SigHandler, Signal, signal};

use super::{
    ConfineError, Layers, Mode, end_without_reader, enforce, limit_resources, listen_to,
    nothing_granted,
};
use crate::limits::Limits;
use crate::tool::Manner;

/// Where the loader of shared libraries is. It is executed by the kernel beside the tool.
const LOADERS: [&str; 2] = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];
/// Where libraries are on Linux, Debian's way and others'. What is not there is left out.
const LIBRARIES: [&str; 6] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
];
/// Descriptors that a tool may have open.
const OPEN_FILES: u64 = 64;
/// A suite keeps its databases, fonts and temporary files open.
const OPEN_FILES_OF_A_SUITE: u64 = 512;

/// The files that a tool may see, beside the libraries of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Room<'a> {
    /// The tool itself: read and executed.
    pub program: &'a Path,
    /// What it is like.
    pub manner: Manner,
    /// Folders and files beside the libraries: listed and read. What is not there is left out.
    pub sees: &'a [PathBuf],
    /// The scratch folder: files in it are read, written and removed.
    pub folder: &'a Path,
    /// The input: read. `None` where it lies in the folder or there is none.
    pub input: Option<&'a Path>,
    /// The input is filled in as it is read. Standard output is a socket then, which leads to whoever fills it in.
    pub filled: bool,
}

/// Confines this process, and whatever it becomes, for good. Call once, with a single thread
/// running.
///
/// Returns the layers that are missing, which is only ever non-empty under
/// [`Mode::BestEffort`].
pub fn confine(
    room: Room<'_>,
    limits: &Limits,
    mode: Mode,
) -> Result<Vec<ConfineError>, ConfineError> {
    let mut layers = Layers::new(mode);
    hold_life_line().map_err(|errno| ConfineError::Process("the life line", errno))?;
    // In this order: Landlock takes descriptors, and seccomp forbids setting limits.
    layers.take(confine_files(room))?;
    let open_files = match room.manner {
        Manner::Filter => OPEN_FILES,
        Manner::Suite => OPEN_FILES_OF_A_SUITE,
    };
    limit_resources(limits, 0, open_files)?;
    if room.filled {
        reads::ask_before().map_err(ConfineError::Reads)?;
    }
    let filtered = system_calls::confine(room.manner);
    layers.take(filtered.map_err(ConfineError::Seccomp))?;
    Ok(layers.missing)
}

/// Asks the kernel to end this process when the reading end of standard input is gone. Nothing is ever written to that
/// pipe, so the end of its reader is its only event; the default of SIGIO is to end the process, and all of this outlives
/// `exec`.
fn hold_life_line() -> nix::Result<()> {
    // SAFETY: sets no handler of ours.
    unsafe { signal(Signal::SIGIO, SigHandler::SigDfl)? };
    listen_to(libc::STDIN_FILENO)?;
    end_without_reader(libc::STDIN_FILENO); // it may have gone before we began to listen
    Ok(())
}

/// Grants what the room needs.
fn confine_files(room: Room<'_>) -> Result<(), ConfineError> {
    let mut rules = nothing_granted()?;
    let mut grant = |path: &Path, access: BitFlags<AccessFs>| {
        let beneath = PathFd::new(path).map_err(ConfineError::Path)?;
        (&mut rules)
            .add_rule(PathBeneath::new(beneath, access))
            .map(drop)
            .map_err(|error| ConfineError::Landlock(Some(error)))
    };
    let there = |path: &&Path| path.exists();
    let program = AccessFs::ReadFile | AccessFs::Execute;
    grant(room.program, program)?;
    for loader in LOADERS.map(Path::new).iter().copied().filter(there) {
        grant(loader, program)?;
    }
    for library in LIBRARIES.map(Path::new).iter().copied().filter(there) {
        grant(library, AccessFs::ReadFile.into())?;
    }
    for seen in room.sees.iter().map(PathBuf::as_path).filter(there) {
        let read = AccessFs::ReadFile.into();
        let list = AccessFs::ReadFile | AccessFs::ReadDir;
        grant(seen, if seen.is_dir() { list } else { read })?;
    }
    let files = AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::RemoveFile;
    let folders = AccessFs::MakeDir | AccessFs::RemoveDir | AccessFs::Refer;
    match room.manner {
        Manner::Filter => grant(room.folder, files)?,
        Manner::Suite => grant(room.folder, files | folders)?,
    }
    if let Some(input) = room.input {
        grant(input, AccessFs::ReadFile.into())?;
    }
    enforce(rules)
}
