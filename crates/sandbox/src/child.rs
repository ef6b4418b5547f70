//! The child process: one request, one answer, gone; or one request, and it is a tool.
//!
//! Order matters here. First whatever takes a path or a descriptor, then the sandbox, and only then
//! the bytes.
//! Not to be called in a process that does anything else: both functions close every descriptor above
//! standard error and confine the process for good.

use std::convert::Infallible;
use std::error::Error;
use std::ffi::{CString, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use memmap2::Mmap;
use nix::libc;

use crate::error::JobError;
use crate::job::{Answer, Job, Request};
use crate::profiles::exec::Room;
use crate::profiles::{ConfineError, exec, pure};
use crate::tool::{self, Tool};

/// The exit code that says that a tool was not started, because of the sandbox.
pub(crate) const UNCONFINED: u8 = 125;
/// The exit code that says that a tool was not started, because of something else.
pub(crate) const NOT_STARTED: u8 = 126;

/// Does the job in the last of `args`: the input on standard input, outputs into files of
/// the current folder, the answer on standard output.
pub fn main<J: Job>(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    close_inherited();
    let answer = args
        .into_iter()
        .last()
        .and_then(|request| serde_json::from_str(request.to_str()?).ok())
        .map_or_else(
            || Answer::Failed("no request: this command is for the service itself".to_owned()),
            |request: Request<J>| answer(&request),
        );
    let written = serde_json::to_vec(&answer)
        .map_err(io::Error::from)
        .and_then(|json| io::stdout().lock().write_all(&json));
    if written.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Closes descriptors that some library of the parent's may have let slip through `exec`.
fn close_inherited() {
    // SAFETY: takes integers only. Nothing in this process has opened a descriptor yet, so none
    // that Rust believes it owns is closed. A kernel without the call (before 5.9) changes nothing.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
}

fn answer<J: Job>(request: &Request<J>) -> Answer<J::Answer, J::Rejection> {
    let inputs = match map_inputs(&request.job) {
        Ok(inputs) => inputs,
        Err(error) => return Answer::Failed(format!("cannot use an input: {error}")),
    };
    let inputs: Vec<&[u8]> = inputs.iter().map(|input| &**input).collect();
    let outputs = match create_outputs(&request.job) {
        Ok(outputs) => outputs,
        Err(error) => return Answer::Failed(format!("cannot create an output: {error}")),
    };
    let mapped = inputs.iter().map(|input| input.len() as u64).sum();
    match pure::confine(&request.limits, mapped, request.mode) {
        Ok(missing) => warn(&missing),
        Err(error) => return Answer::Unconfined(chain(&error)),
    }
    match request.job.run(&inputs, &outputs) {
        Ok(answer) => Answer::Done(answer),
        Err(JobError::Rejected(rejection)) => Answer::Rejected(rejection),
        Err(JobError::LimitHit(resource)) => Answer::LimitHit(resource),
        Err(JobError::Io(error)) => Answer::Failed(error.to_string()),
    }
}

/// The inputs as memory that the kernel fills and empties as it likes: what a file is padded with costs
/// nothing. No byte of them is looked at here.
fn map_inputs(job: &impl Job) -> io::Result<Vec<Mmap>> {
    let first = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let more = job.more_inputs().into_iter().map(File::open);
    // SAFETY: nobody writes to an input: it is a local copy, named by its content once it is whole, or what a child made
    // that is gone. If somebody cut it short, SIGBUS would end this process, which has nothing else to do.
    let map = |input: io::Result<File>| unsafe { Mmap::map(&input?) };
    std::iter::once(Ok(first)).chain(more).map(map).collect()
}

/// One new, empty file per output. Those that the job does not write stay empty.
fn create_outputs(job: &impl Job) -> io::Result<Vec<File>> {
    let create = |name| OpenOptions::new().write(true).create_new(true).open(name);
    job.outputs().into_iter().map(create).collect()
}

/// Becomes the tool that the last of `args` asks for. Comes back only when that cannot be done.
///
/// Standard input is the life line: the writing end of a pipe that the parent holds the reading end
/// of. Nothing is ever written to it.
pub fn become_tool(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    close_inherited();
    let request = args
        .into_iter()
        .last()
        .and_then(|request| serde_json::from_str::<tool::Request>(request.to_str()?).ok());
    let Some(tool::Request { mode, filled, tool }) = request else {
        return refuse(NOT_STARTED, "no request: this command is for the service");
    };
    let room = Room {
        program: &tool.program,
        manner: tool.manner,
        sees: &tool.sees,
        folder: &tool.folder,
        input: Some(&tool.input),
        filled,
    };
    match exec::confine(room, &tool.limits, mode) {
        Ok(missing) => warn(&missing),
        Err(error) => return refuse(UNCONFINED, &chain(&error)),
    }
    match replaced_by(&tool) {
        Ok(never) => match never {},
        Err(error) => refuse(NOT_STARTED, &error.to_string()),
    }
}

fn replaced_by(tool: &Tool) -> io::Result<Infallible> {
    let program = CString::new(tool.program.as_os_str().as_bytes())?;
    let mut args = vec![program.clone()];
    for arg in &tool.args {
        args.push(CString::new(arg.as_bytes())?);
    }
    let environment = tool.environment.iter();
    let environment = environment.map(|variable| CString::new(variable.as_bytes()));
    let environment: Vec<CString> = environment.collect::<Result<_, _>>()?;
    Ok(nix::unistd::execve(&program, &args, &environment)?)
}

/// Nobody is left to tell if standard error is closed.
fn warn(missing: &[ConfineError]) {
    for layer in missing {
        let _ = writeln!(io::stderr(), "sandbox: {}", chain(layer));
    }
}

fn refuse(code: u8, why: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "{why}");
    ExitCode::from(code)
}

/// The error and its causes, on one line.
fn chain(error: &dyn Error) -> String {
    let cause = error.source().map(chain);
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
