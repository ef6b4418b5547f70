//! The child process: confined, then replaced by the tool.
//!
//! Not to be called in a process that does anything else: [`main`] closes every descriptor above
//! standard error and confines the process for good.

use std::convert::Infallible;
use std::error::Error;
use std::ffi::{CString, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitCode;

use nix::libc;
use serde::{Deserialize, Serialize};

use crate::exec::confine::{Room, Sandbox, confine};
use crate::exec::limits::ToolLimits;

/// The exit code that says that the tool was not started, because of the sandbox.
pub(crate) const UNCONFINED: u8 = 125;
/// The exit code that says that the tool was not started, because of something else.
pub(crate) const NOT_STARTED: u8 = 126;

/// What the parent asks for.
#[derive(Serialize, Deserialize)]
pub(crate) struct Request {
    pub program: PathBuf,
    pub args: Vec<String>,
    pub libraries: Vec<PathBuf>,
    pub folder: PathBuf,
    pub input: Option<PathBuf>,
    pub limits: ToolLimits,
    pub sandbox: Sandbox,
}

/// Becomes the tool that the last of `args` asks for. Comes back only when that cannot be done.
///
/// Standard input is the life line: the writing end of a pipe that the parent holds the reading end
/// of. Nothing is ever written to it.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    close_inherited();
    let request = args
        .into_iter()
        .last()
        .and_then(|request| serde_json::from_str::<Request>(request.to_str()?).ok());
    let Some(request) = request else {
        return refuse(NOT_STARTED, "no request: this command is for the service");
    };
    let room = Room {
        program: &request.program,
        libraries: &request.libraries,
        folder: &request.folder,
        input: request.input.as_deref(),
    };
    match confine(&room, &request.limits, request.sandbox) {
        Ok(missing) => missing.iter().for_each(|layer| {
            let _ = writeln!(io::stderr(), "sandbox: {}", chain(layer));
        }),
        Err(error) => return refuse(UNCONFINED, &chain(&error)),
    }
    match become_tool(&request) {
        Ok(never) => match never {},
        Err(error) => refuse(NOT_STARTED, &error.to_string()),
    }
}

fn become_tool(request: &Request) -> io::Result<Infallible> {
    let program = CString::new(request.program.as_os_str().as_bytes())?;
    let mut args = vec![program.clone()];
    for arg in &request.args {
        args.push(CString::new(arg.as_bytes())?);
    }
    let no_environment: [CString; 0] = [];
    Ok(nix::unistd::execve(&program, &args, &no_environment)?)
}

/// Closes descriptors that some library of the parent's may have let slip through `exec`.
fn close_inherited() {
    // SAFETY: takes integers only. Nothing in this process has opened a descriptor yet, so none
    // that Rust believes it owns is closed. A kernel without the call (before 5.9) changes nothing.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
}

fn refuse(code: u8, why: &str) -> ExitCode {
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(io::stderr(), "{why}");
    ExitCode::from(code)
}

/// The error and its causes, on one line.
fn chain(error: &dyn Error) -> String {
    let cause = error.source().map(chain);
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
