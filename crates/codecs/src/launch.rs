//! The parent's side: starts a confined child for one request, bounds it, and reads its answer.
//!
//! What the child says is not believed further than it can be checked: it worked on hostile bytes.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::confine::Sandbox;
use crate::error::{DecodeError, Resource};
use crate::image::{ImageProbe, RenderPlan, RenderedImage};
use crate::limits::ImageLimits;
use crate::protocol::{Answer, Job, MAX_ANSWER_BYTES, Request};

/// How much of the child's standard error is kept.
const STDERR_BYTES: u64 = 4 * 1024;

/// Starts decoder processes. Cheap to clone; holds nothing open.
#[derive(Clone, Debug)]
pub struct Launcher {
    program: PathBuf,
    args: Vec<OsString>,
    sandbox: Sandbox,
}

impl Launcher {
    /// A launcher of `program`, which must hand the arguments after `args` to
    /// [`child::main`](crate::child::main) before it starts a thread or opens a file.
    pub fn new(program: PathBuf, args: Vec<OsString>) -> Self {
        Self {
            program,
            args,
            sandbox: Sandbox::default(),
        }
    }

    /// A launcher of this very program with the subcommand `decode`. By way of `/proc`, so that a
    /// deploy which replaces the file on disk cannot mix two builds.
    pub fn current_program() -> Self {
        Self::new(
            PathBuf::from("/proc/self/exe"),
            vec![OsString::from("decode")],
        )
    }

    /// What children do on a kernel that cannot confine them.
    #[must_use]
    pub fn with_sandbox(self, sandbox: Sandbox) -> Self {
        Self { sandbox, ..self }
    }

    /// Walks the whole container of `input`, a regular file, and says what it is.
    pub async fn probe_image(
        &self,
        input: File,
        limits: &ImageLimits,
        cancel: &CancellationToken,
    ) -> Result<ImageProbe, DecodeError> {
        match self
            .run(input, Path::new("/"), limits, Job::ProbeImage, cancel)
            .await?
        {
            Answer::Probed(probe) => Ok(*probe),
            _ => Err(DecodeError::Protocol("not an answer to a probe")),
        }
    }

    /// Renders the outputs of `plan` that suit `input` into `out_dir`, a folder without files of
    /// those names. After an error the folder may hold empty or unfinished files.
    pub async fn render_image(
        &self,
        input: File,
        plan: &RenderPlan,
        out_dir: &Path,
        limits: &ImageLimits,
        cancel: &CancellationToken,
    ) -> Result<Vec<RenderedImage>, DecodeError> {
        plan.validate().map_err(DecodeError::InvalidPlan)?;
        let job = Job::RenderImage(plan.clone());
        match self.run(input, out_dir, limits, job, cancel).await? {
            Answer::Rendered(images) => accept(images, plan, out_dir).await,
            _ => Err(DecodeError::Protocol("not an answer to a render")),
        }
    }

    async fn run(
        &self,
        input: File,
        folder: &Path,
        limits: &ImageLimits,
        job: Job,
        cancel: &CancellationToken,
    ) -> Result<Answer, DecodeError> {
        if cancel.is_cancelled() {
            return Err(DecodeError::Cancelled);
        }
        let request = Request {
            sandbox: self.sandbox,
            limits: limits.clone(),
            job,
        };
        let request = serde_json::to_string(&request)
            .map_err(|_| DecodeError::InvalidPlan("it cannot be written as JSON"))?;
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
            .map_err(DecodeError::io("starting a decoder"))?;
        let mut child = KilledOnDrop(child);
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(DecodeError::Cancelled),
            ended = child.finish() => ended?.judge(limits),
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
    async fn finish(&mut self) -> Result<Ended, DecodeError> {
        let child = &mut self.0;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr, status) = tokio::try_join!(
            read_start(stdout, MAX_ANSWER_BYTES + 1),
            read_start(stderr, STDERR_BYTES),
            child.wait(),
        )
        .map_err(DecodeError::io("listening to a decoder"))?;
        let stderr = String::from_utf8_lossy(&stderr).trim().to_owned();
        Ok(Ended {
            status,
            stdout,
            stderr,
        })
    }
}

/// The first `limit` bytes of a pipe. The rest is read too, so that the writer is not held up.
async fn read_start(pipe: Option<impl AsyncRead + Unpin>, limit: u64) -> std::io::Result<Vec<u8>> {
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
    fn judge(self, limits: &ImageLimits) -> Result<Answer, DecodeError> {
        if !self.stderr.is_empty() {
            tracing::warn!(decoder.stderr = self.stderr, "decoder complained");
        }
        if let Some(resource) = self.exhausted() {
            return Err(limit_hit(limits, resource));
        }
        if !self.status.success() {
            let signal = self.status.signal();
            return Err(DecodeError::Crashed {
                signal,
                stderr: self.stderr,
            });
        }
        if self.stdout.len() as u64 > MAX_ANSWER_BYTES {
            return Err(DecodeError::Protocol("an endless answer"));
        }
        match serde_json::from_slice(&self.stdout) {
            Ok(Answer::Rejected(rejection)) => Err(DecodeError::Rejected(rejection)),
            Ok(Answer::LimitHit(resource)) => Err(limit_hit(limits, resource)),
            Ok(Answer::Unconfined(reason)) => Err(DecodeError::Sandbox(reason)),
            Ok(Answer::Failed(reason)) => Err(DecodeError::io("running a decoder")(
                std::io::Error::other(reason),
            )),
            Ok(answer) => Ok(answer),
            Err(_) => Err(DecodeError::Protocol("an answer that is not one")),
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

fn limit_hit(limits: &ImageLimits, resource: Resource) -> DecodeError {
    DecodeError::LimitHit {
        resource,
        allowed: limits.describe(resource),
    }
}

/// Checks each picture against the plan and the file it should be in, and removes the files of
/// outputs that were left out.
async fn accept(
    images: Vec<RenderedImage>,
    plan: &RenderPlan,
    out_dir: &Path,
) -> Result<Vec<RenderedImage>, DecodeError> {
    let mut accepted = Vec::with_capacity(images.len());
    for output in &plan.outputs {
        let path = out_dir.join(output.file_name());
        let Some(image) = images.iter().find(|image| image.name == output.name) else {
            tokio::fs::remove_file(&path)
                .await
                .map_err(DecodeError::io("removing an output"))?;
            continue;
        };
        let file = tokio::fs::symlink_metadata(&path)
            .await
            .map_err(DecodeError::io("looking at an output"))?;
        let fits = image.width >= 1 && output.max_width.is_none_or(|max| image.width <= max);
        if !fits || !file.is_file() || file.len() != image.size_bytes || file.len() == 0 {
            return Err(DecodeError::Protocol("an output that is not as announced"));
        }
        accepted.push(image.clone());
    }
    if accepted.len() != images.len() || accepted.is_empty() {
        return Err(DecodeError::Protocol("outputs that were not asked for"));
    }
    Ok(accepted)
}
