//! The parent's side: starts a confined tool for one call, bounds it, and reads what it says.

use std::ffi::OsString;
use std::io::{self, PipeReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::exec::child::{NOT_STARTED, Request, UNCONFINED};
use crate::exec::command::{INPUT, Tool, ToolCall};
use crate::exec::confine::Sandbox;
use crate::exec::error::ToolError;
use crate::exec::limits::{Resource, ToolLimits};
use crate::exec::pipes::{read_ends, read_pieces};

/// Where programs and their libraries are on Linux, Debian's way and others'.
const PROGRAMS: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];
const LIBRARIES: [&str; 6] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
];

/// Runs tools. Cheap to clone; holds nothing open.
#[derive(Clone, Debug)]
pub struct Tools {
    launcher: PathBuf,
    launcher_args: Vec<OsString>,
    ffmpeg: PathBuf,
    ffprobe: PathBuf,
    sandbox: Sandbox,
}

impl Tools {
    /// The tools of this machine, started by way of `launcher`, which must hand the arguments after
    /// `args` to [`child::main`](crate::exec::child::main) before it starts a thread or opens a
    /// file. Fails when a tool is not installed.
    pub fn new(launcher: PathBuf, args: Vec<OsString>) -> Result<Self, ToolError> {
        Ok(Self {
            launcher,
            launcher_args: args,
            ffmpeg: find("ffmpeg").ok_or(ToolError::Missing("ffmpeg"))?,
            ffprobe: find("ffprobe").ok_or(ToolError::Missing("ffprobe"))?,
            sandbox: Sandbox::default(),
        })
    }

    /// What happens on a kernel that cannot confine a tool.
    #[must_use]
    pub fn with_sandbox(self, sandbox: Sandbox) -> Self {
        Self { sandbox, ..self }
    }

    /// Runs `call` to its end and returns its standard output. To drop the future is to end the tool.
    pub async fn output(&self, call: &ToolCall) -> Result<Vec<u8>, ToolError> {
        let mut output = Vec::new();
        self.pieces(call, |piece| {
            output.extend_from_slice(piece);
            Ok(())
        })
        .await?;
        Ok(output)
    }

    /// Runs `call` to its end and hands each line of its standard output to `on_line`, whose error
    /// ends the tool. To drop the future is to end the tool.
    pub async fn lines(
        &self,
        call: &ToolCall,
        mut on_line: impl FnMut(&[u8]) -> Result<(), ToolError>,
    ) -> Result<(), ToolError> {
        let without_end = |line: &[u8]| on_line(line.strip_suffix(b"\n").unwrap_or(line));
        self.pieces(call, without_end).await
    }

    /// Runs `call` to its end and hands on all of its standard output, byte for byte: a line with its end
    /// at a time, or 64 KiB of one that is longer. An error of `on_piece` ends the tool, and so does
    /// dropping the future.
    pub async fn pieces(
        &self,
        call: &ToolCall,
        on_piece: impl FnMut(&[u8]) -> Result<(), ToolError>,
    ) -> Result<(), ToolError> {
        link_input(call).await?;
        let mut child = self.start(call)?;
        tokio::select! {
            biased;
            ended = child.finish(&call.limits, on_piece) => ended?.judge(&call.limits),
            () = tokio::time::sleep(call.limits.wall) => Err(ToolError::limit_hit(&call.limits, Resource::WallTime)),
        }
    }

    fn start(&self, call: &ToolCall) -> Result<Running, ToolError> {
        let request = Request {
            program: match call.tool {
                Tool::Ffmpeg => self.ffmpeg.clone(),
                Tool::Ffprobe => self.ffprobe.clone(),
            },
            args: call.args.clone(),
            libraries: LIBRARIES.map(PathBuf::from).into(),
            folder: call.folder.clone(),
            input: Some(call.input.clone()),
            limits: call.limits.clone(),
            sandbox: self.sandbox,
        };
        let request = serde_json::to_string(&request)
            .map_err(|_| ToolError::Output("a path that is not UTF-8"))?;
        let (life_line, held_by_child) = io::pipe().map_err(ToolError::io("making a pipe"))?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the child confines itself before it becomes the tool"
        )]
        let child = Command::new(&self.launcher)
            .args(&self.launcher_args)
            .arg(request)
            .env_clear()
            .current_dir(&call.folder)
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::from(held_by_child))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(ToolError::io("starting a tool"))?;
        Ok(Running {
            child,
            _life_line: life_line,
        })
    }
}

/// The absolute path of a program of this machine, links resolved.
fn find(name: &str) -> Option<PathBuf> {
    PROGRAMS
        .iter()
        .find_map(|folder| Path::new(folder).join(name).canonicalize().ok())
}

/// Makes the fixed name in the scratch folder lead to the input.
async fn link_input(call: &ToolCall) -> Result<(), ToolError> {
    match tokio::fs::symlink(&call.input, call.folder.join(INPUT)).await {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(ToolError::io("linking the input")(error))
        }
        _ => Ok(()),
    }
}

/// A tool that does not outlive this value, nor does anything it started.
struct Running {
    child: Child,
    _life_line: PipeReader,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Without an id it was waited for, and the number may belong to someone else by now.
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            // An error means that the group is gone, which is what was wanted.
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

impl Running {
    async fn finish(
        &mut self,
        limits: &ToolLimits,
        on_piece: impl FnMut(&[u8]) -> Result<(), ToolError>,
    ) -> Result<Ended, ToolError> {
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let (stderr, ()) = tokio::try_join!(
            async {
                read_ends(stderr)
                    .await
                    .map_err(ToolError::io("listening to a tool"))
            },
            read_pieces(stdout, limits, on_piece),
        )?;
        let status = self
            .child
            .wait()
            .await
            .map_err(ToolError::io("waiting for a tool"))?;
        Ok(Ended { status, stderr })
    }
}

/// How a tool ended and what it complained about.
struct Ended {
    status: ExitStatus,
    stderr: String,
}

impl Ended {
    fn judge(self, limits: &ToolLimits) -> Result<(), ToolError> {
        if self.status.success() {
            return Ok(());
        }
        if let Some(resource) = self.exhausted() {
            return Err(ToolError::limit_hit(limits, resource));
        }
        match self.status.code() {
            Some(code) if code == i32::from(UNCONFINED) => Err(ToolError::Sandbox(self.stderr)),
            Some(code) if code == i32::from(NOT_STARTED) => Err(ToolError::io("becoming a tool")(
                io::Error::other(self.stderr),
            )),
            code => Err(ToolError::Failed {
                code,
                signal: self.status.signal(),
                stderr: self.stderr,
            }),
        }
    }

    /// The limit that ended the tool, by the kernel's signal for each, or by ffmpeg's own words.
    fn exhausted(&self) -> Option<Resource> {
        const OUT_OF_MEMORY: [&str; 4] = [
            "Cannot allocate memory",
            "malloc of size",
            // A library, by the loader.
            "failed to map segment",
            // The stack of a thread.
            "Resource temporarily unavailable",
        ];
        match self.status.signal() {
            Some(signal) => match Signal::try_from(signal).ok()? {
                Signal::SIGXCPU => Some(Resource::Cpu),
                Signal::SIGXFSZ => Some(Resource::FileSize),
                _ => None,
            },
            None => OUT_OF_MEMORY
                .iter()
                .any(|words| self.stderr.contains(words))
                .then_some(Resource::Memory),
        }
    }
}
