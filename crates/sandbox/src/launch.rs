//! The parent's side: starts a child of this program for one request, and sees to it that it does not outlive its use.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdout, Command};

use crate::error::{Resource, SandboxError};
use crate::limits::Limits;
use crate::profiles::Mode;

/// How much of a child's standard error is kept: its start, and as much of its end.
const STDERR_BYTES: usize = 4 * 1024;

/// Starts confined children. Cheap to clone; holds nothing open.
#[derive(Clone, Debug)]
pub struct Launcher {
    program: PathBuf,
    args: Vec<OsString>,
    mode: Mode,
}

impl Launcher {
    /// A launcher of `program`, which must hand the arguments after `args` to a main function of
    /// [`child`](crate::child) before it starts a thread or opens a file.
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

    pub(crate) const fn mode(&self) -> Mode {
        self.mode
    }

    /// A child at work on `request` in `folder`, in a process group of its own and without an environment.
    pub(crate) fn start(
        &self,
        request: String,
        folder: &Path,
        stdin: Stdio,
        stdout: Stdio,
    ) -> io::Result<Running> {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is where children are started"
        )]
        let child = Command::new(&self.program)
            .args(&self.args)
            .arg(request)
            .env_clear()
            .current_dir(folder)
            .process_group(0)
            .kill_on_drop(true)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()?;
        Ok(Running(child))
    }
}

/// A child that does not outlive this value, nor does anything it started.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Without an id it was waited for, and the number may belong to someone else by now.
        if let Some(id) = self.0.id().and_then(|id| i32::try_from(id).ok()) {
            // An error means that the group is gone, which is what was wanted.
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

impl Running {
    /// Its standard output, which can be taken once.
    pub(crate) fn stdout(&mut self) -> Option<ChildStdout> {
        self.0.stdout.take()
    }

    /// Waits for its end while `reading` takes what it says, and gives up when that fails. `broken` says what it means
    /// that the child cannot be listened to.
    pub(crate) async fn end<T, E>(
        &mut self,
        reading: impl Future<Output = Result<T, E>>,
        broken: impl Fn(io::Error) -> E,
    ) -> Result<(Ended, T), E> {
        let stderr = self.0.stderr.take();
        let stderr = async { read_ends(stderr).await.map_err(&broken) };
        let (stderr, read) = tokio::try_join!(stderr, reading)?;
        let status = self.0.wait().await.map_err(&broken)?;
        Ok((Ended { status, stderr }, read))
    }
}

/// The start and the end of a pipe's bytes. All is read, so that the writer is not held up.
async fn read_ends(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let (mut start, mut end) = (Vec::new(), Vec::new());
    if let Some(mut pipe) = pipe {
        (&mut pipe)
            .take(STDERR_BYTES as u64)
            .read_to_end(&mut start)
            .await?;
        let mut buffer = [0; STDERR_BYTES];
        loop {
            let read = pipe.read(&mut buffer).await?;
            if read == 0 {
                break;
            }
            end.extend_from_slice(&buffer[..read]);
            let surplus = end.len().saturating_sub(STDERR_BYTES);
            end.drain(..surplus);
        }
    }
    let (start, end) = (
        String::from_utf8_lossy(&start),
        String::from_utf8_lossy(&end),
    );
    let gap = if end.len() < STDERR_BYTES {
        ""
    } else {
        "\n[…]\n"
    };
    Ok(format!("{start}{gap}{end}").trim().to_owned())
}

/// How a child ended and what it complained about.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn signal(&self) -> Option<Signal> {
        Signal::try_from(self.status.signal()?).ok()
    }

    /// The limit that ended it, going by the signal that the kernel sends for each.
    pub(crate) fn exhausted(&self) -> Option<Resource> {
        match self.signal()? {
            Signal::SIGXCPU => Some(Resource::Cpu),
            Signal::SIGXFSZ => Some(Resource::FileSize),
            _ => None,
        }
    }

    /// An end that no limit explains.
    pub(crate) fn failed<R: std::error::Error>(self) -> SandboxError<R> {
        SandboxError::Failed {
            code: self.status.code(),
            signal: self.status.signal(),
            stderr: self.stderr,
        }
    }
}

pub(crate) fn limit_hit<R: std::error::Error>(
    limits: &Limits,
    resource: Resource,
) -> SandboxError<R> {
    SandboxError::LimitHit {
        resource,
        allowed: limits.describe(resource),
    }
}
