//! The parent's side: starts a confined child for one request, bounds it, and reads its answer.
//!
//! What the child says is not believed further than it can be checked: it worked on hostile bytes.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::error::{Resource, SandboxError};
use crate::limits::Limits;
use crate::profiles::Mode;
use crate::protocol::{Answer, Job, MAX_ANSWER_BYTES, Request};

type Failure<J> = SandboxError<<J as Job>::Rejection>;

/// How much of the child's standard error is kept.
const STDERR_BYTES: u64 = 4 * 1024;

/// Starts confined children. Cheap to clone; holds nothing open.
#[derive(Clone, Debug)]
pub struct Launcher {
    program: PathBuf,
    args: Vec<OsString>,
    mode: Mode,
}

impl Launcher {
    /// A launcher of `program`, which must hand the arguments after `args` to
    /// [`child::main`](crate::child::main) before it starts a thread or opens a file.
    pub fn new(program: PathBuf, args: Vec<OsString>) -> Self {
        Self {
            program,
            args,
            mode: Mode::default(),
        }
    }

    /// A launcher of this very program with the subcommand `command`. By way of `/proc`, so that a
    /// deploy which replaces the file on disk cannot mix two builds.
    pub fn current_program(command: &str) -> Self {
        Self::new(
            PathBuf::from("/proc/self/exe"),
            vec![OsString::from(command)],
        )
    }

    /// What children do on a kernel that cannot confine them.
    #[must_use]
    pub fn with_mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// Does `job` on `input`, a regular file, in a child of its own. Its outputs are made in `folder`, which must not
    /// have files of those names; after an error it may hold empty or unfinished ones.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where children are started"
    )]
    pub async fn run<J: Job>(
        &self,
        job: &J,
        input: File,
        folder: &Path,
        limits: &Limits,
        cancel: &CancellationToken,
    ) -> Result<J::Answer, SandboxError<J::Rejection>> {
        if cancel.is_cancelled() {
            return Err(SandboxError::Cancelled);
        }
        let request = Request {
            mode: self.mode,
            limits: limits.clone(),
            job,
        };
        let request = serde_json::to_string(&request)
            .map_err(|_| SandboxError::InvalidJob("it cannot be written as JSON"))?;
        let child = Command::new(&self.program)
            .args(&self.args)
            .arg(request)
            .env_clear()
            .current_dir(folder)
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::from(input))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(SandboxError::io("starting a child"))?;
        let mut child = KilledOnDrop(child);
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(SandboxError::Cancelled),
            ended = child.finish() => ended.map_err(SandboxError::io("listening to a child"))?.judge::<J>(limits),
            () = tokio::time::sleep(limits.wall) => Err(limit_hit(limits, Resource::WallTime)),
        }
    }
}

/// A child that does not outlive this value, nor does anything it started.
struct KilledOnDrop(Child);

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        // Without an id it was waited for, and the number may belong to someone else by now.
        if let Some(id) = self.0.id().and_then(|id| i32::try_from(id).ok()) {
            // An error means that the group is gone, which is what was wanted.
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

impl KilledOnDrop {
    async fn finish(&mut self) -> io::Result<Ended> {
        let child = &mut self.0;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr, status) = tokio::try_join!(
            read_start(stdout, MAX_ANSWER_BYTES + 1),
            read_start(stderr, STDERR_BYTES),
            child.wait(),
        )?;
        let stderr = String::from_utf8_lossy(&stderr).trim().to_owned();
        Ok(Ended {
            status,
            stdout,
            stderr,
        })
    }
}

/// The first `limit` bytes of a pipe. The rest is read too, so that the writer is not held up.
async fn read_start(pipe: Option<impl AsyncRead + Unpin>, limit: u64) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    if let Some(mut pipe) = pipe {
        (&mut pipe).take(limit).read_to_end(&mut start).await?;
        tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    }
    Ok(start)
}

/// How a child ended and what it left.
struct Ended {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: String,
}

impl Ended {
    fn judge<J: Job>(self, limits: &Limits) -> Result<J::Answer, Failure<J>> {
        if !self.stderr.is_empty() {
            tracing::warn!(sandbox.stderr = self.stderr, "a child complained");
        }
        if let Some(resource) = self.exhausted() {
            return Err(limit_hit(limits, resource));
        }
        if !self.status.success() {
            let signal = self.status.signal();
            return Err(SandboxError::Crashed {
                signal,
                stderr: self.stderr,
            });
        }
        if self.stdout.len() as u64 > MAX_ANSWER_BYTES {
            return Err(SandboxError::Protocol("an endless answer"));
        }
        match serde_json::from_slice(&self.stdout) {
            Ok(Answer::Done(answer)) => Ok(answer),
            Ok(Answer::Rejected(rejection)) => Err(SandboxError::Rejected(rejection)),
            Ok(Answer::LimitHit(resource)) => Err(limit_hit(limits, resource)),
            Ok(Answer::Unconfined(reason)) => Err(SandboxError::Sandbox(reason)),
            Ok(Answer::Failed(reason)) => Err(SandboxError::io("running a child")(
                io::Error::other(reason),
            )),
            Err(_) => Err(SandboxError::Protocol("an answer that is not one")),
        }
    }

    /// The limit that ended the child, going by the signal that the kernel sends for each.
    fn exhausted(&self) -> Option<Resource> {
        /// What Rust's runtime prints before it aborts for want of memory.
        const OUT_OF_MEMORY: &str = "memory allocation of ";
        match Signal::try_from(self.status.signal()?).ok()? {
            Signal::SIGXCPU => Some(Resource::Cpu),
            Signal::SIGXFSZ => Some(Resource::OutputSize),
            Signal::SIGABRT if self.stderr.contains(OUT_OF_MEMORY) => Some(Resource::Memory),
            _ => None,
        }
    }
}

fn limit_hit<R: std::error::Error>(limits: &Limits, resource: Resource) -> SandboxError<R> {
    SandboxError::LimitHit {
        resource,
        allowed: limits.describe(resource),
    }
}
