//! Jobs: our own code in a child of its own, which reads one input and answers.
//!
//! What parent and child say to each other: one JSON request as an argument, one JSON answer on standard output. Both
//! ends are always the same build, so the shape may change freely. What the child says is not believed further than it
//! can be checked: it worked on hostile bytes.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::sync::CancellationToken;

use crate::error::{JobError, Resource, SandboxError};
use crate::launch::{Ended, Launcher, Running, limit_hit};
use crate::limits::Limits;
use crate::profiles::Mode;

/// Work that a child does on one input, and on what was made of it before.
pub trait Job: Serialize + DeserializeOwned {
    /// What it finds out.
    type Answer: Serialize + DeserializeOwned;
    /// Why it refuses an input.
    type Rejection: std::error::Error + Serialize + DeserializeOwned + 'static;

    /// Names of the files that it writes. They are made, empty, in the child's folder before the child gives up
    /// opening files. Chosen by us, never taken from a user.
    fn outputs(&self) -> Vec<String>;

    /// Names of more files that it reads, which lie in the child's folder. Chosen by us, as those of the outputs.
    fn more_inputs(&self) -> Vec<String> {
        Vec::new()
    }

    /// Does it, in the child. `inputs` are the input and then the files of [`Job::more_inputs`], `outputs` are those of
    /// [`Job::outputs`], each in the same order.
    fn run(
        &self,
        inputs: &[&[u8]],
        outputs: &[File],
    ) -> Result<Self::Answer, JobError<Self::Rejection>>;
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request<J> {
    pub(crate) mode: Mode,
    pub(crate) limits: Limits,
    pub(crate) job: J,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer<T, R> {
    Done(T),
    Rejected(R),
    LimitHit(Resource),
    /// The sandbox could not be set up; nothing was read.
    Unconfined(String),
    /// The machine failed the child.
    Failed(String),
}

impl Launcher {
    /// Does `job` on `input`, a regular file, in a child of its own. Its outputs are made in `folder`, which must not
    /// have files of those names; after an error it may hold empty or unfinished ones. To drop the future is to end the
    /// child.
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
            mode: self.mode(),
            limits: limits.clone(),
            job,
        };
        let request = serde_json::to_string(&request)
            .map_err(|_| SandboxError::InvalidJob("it cannot be written as JSON"))?;
        let mut child = self
            .start(request, folder, Stdio::from(input), Stdio::piped())
            .map_err(SandboxError::io("starting a child"))?;
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(SandboxError::Cancelled),
            answered = listen(&mut child, limits.output_bytes) => {
                let (ended, said) = answered.map_err(SandboxError::io("listening to a child"))?;
                judge::<J>(ended, &said, limits)
            }
            () = tokio::time::sleep(limits.wall) => Err(limit_hit(limits, Resource::WallTime)),
        }
    }
}

/// Waits for the child's end; its standard output, a byte longer than allowed at most.
async fn listen(child: &mut Running, output_bytes: u64) -> io::Result<(Ended, Vec<u8>)> {
    let stdout = child.stdout();
    let start = read_start(stdout, output_bytes + 1);
    child.end(start, |error| error).await
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

fn judge<J: Job>(
    ended: Ended,
    said: &[u8],
    limits: &Limits,
) -> Result<J::Answer, SandboxError<J::Rejection>> {
    if !ended.stderr.is_empty() {
        tracing::warn!(sandbox.stderr = ended.stderr, "a child complained");
    }
    if let Some(resource) = ended.exhausted().or_else(|| out_of_memory(&ended)) {
        return Err(limit_hit(limits, resource));
    }
    if !ended.status.success() {
        return Err(ended.failed());
    }
    if said.len() as u64 > limits.output_bytes {
        return Err(SandboxError::Protocol("an endless answer"));
    }
    match serde_json::from_slice(said) {
        Ok(Answer::Done(answer)) => Ok(answer),
        Ok(Answer::Rejected(rejection)) => Err(SandboxError::Rejected(rejection)),
        Ok(Answer::LimitHit(resource)) => Err(limit_hit(limits, resource)),
        Ok(Answer::Unconfined(reason)) => Err(SandboxError::Sandbox(reason)),
        Ok(Answer::Failed(reason)) => Err(SandboxError::io("running a child")(io::Error::other(
            reason,
        ))),
        Err(_) => Err(SandboxError::Protocol("an answer that is not one")),
    }
}

fn out_of_memory(ended: &Ended) -> Option<Resource> {
    /// What Rust's runtime prints before it aborts for want of memory.
    const OUT_OF_MEMORY: &str = "memory allocation of ";
    let aborted = ended.signal() == Some(Signal::SIGABRT);
    (aborted && ended.stderr.contains(OUT_OF_MEMORY)).then_some(Resource::Memory)
}
