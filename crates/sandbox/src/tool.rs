//! Tools: programs of others in a child of ours, which is confined and then becomes the program.
//!
//! Who is to blame for a tool's failure is for the caller to say: one that fails at a stranger's file has failed because
//! of the file, one that cannot be started has not.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::net::UnixStream;

use crate::child::{NOT_STARTED, UNCONFINED};
use crate::error::{Resource, ToolError};
use crate::fill::{self, Fill};
use crate::launch::{Ended, Launcher, Running, limit_hit};
use crate::limits::Limits;
use crate::profiles::Mode;

/// Where programs are.
const PROGRAMS: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];

/// The most bytes that are handed on at once.
const PIECE_BYTES: u64 = 64 * 1024;

/// What a tool is like, and so what it needs beside its input, its libraries and its scratch folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// It reads a file and writes files.
    #[default]
    Filter,
    /// It is as large as an office suite: it keeps folders in its scratch folder, renames what is in them, and takes a
    /// socket at which others of its kind could reach it. It gets one that leads nowhere.
    Suite,
}

/// One run of a program of others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tool {
    /// The program, by its absolute path, as [`Tool::find`] gives it.
    pub program: PathBuf,
    /// What it is like.
    pub manner: Manner,
    /// Its arguments. No text that a client chose belongs in here.
    pub args: Vec<String>,
    /// Its whole environment, as `NAME=value`.
    pub environment: Vec<String>,
    /// Folders and files of this machine that it may list and read, beside its libraries. What is not there is left out.
    pub sees: Vec<PathBuf>,
    /// A regular file outside of the folder, which it may read; it is in the folder as [`Tool::INPUT`], a link.
    pub input: PathBuf,
    /// Its scratch folder, in which it runs; files in it are read, written and removed.
    pub folder: PathBuf,
    /// What it may use.
    pub limits: Limits,
}

/// What the child is told.
#[derive(Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) mode: Mode,
    /// The input is filled in as it is read.
    pub(crate) filled: bool,
    pub(crate) tool: Tool,
}

impl Tool {
    /// The name of the input in the scratch folder.
    pub const INPUT: &'static str = "input";

    /// The absolute path of a program of this machine, links resolved.
    pub fn find(name: &str) -> Option<PathBuf> {
        PROGRAMS
            .iter()
            .find_map(|folder| Path::new(folder).join(name).canonicalize().ok())
    }

    /// Makes the fixed name in the scratch folder lead to the input.
    async fn link_input(&self) -> Result<(), ToolError> {
        match tokio::fs::symlink(&self.input, self.folder.join(Self::INPUT)).await {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(ToolError::io("linking the input")(error))
            }
            _ => Ok(()),
        }
    }
}

impl Launcher {
    /// Runs `tool` to its end and hands on all of its standard output, byte for byte: a line with its end at a time, or
    /// 64 KiB of one that is longer. An error of `on_piece` ends the tool, and so does dropping the future.
    ///
    /// With `fill`, the input need not be all there: reads wait for it.
    pub async fn run_tool(
        &self,
        tool: &Tool,
        fill: Option<&dyn Fill>,
        on_piece: impl FnMut(&[u8]) -> Result<(), ToolError>,
    ) -> Result<(), ToolError> {
        tool.link_input().await?;
        let request = Request {
            mode: self.mode(),
            filled: fill.is_some(),
            tool: tool.clone(),
        };
        let request = serde_json::to_string(&request)
            .map_err(|_| ToolError::InvalidJob("it has a path that is not UTF-8"))?;
        let (_life_line, held_by_child) = io::pipe().map_err(ToolError::io("making a pipe"))?;
        let start = |stdout| {
            let life_line = Stdio::from(held_by_child);
            self.start(request, &tool.folder, life_line, stdout)
                .map_err(ToolError::io("starting a tool"))
        };
        let limits = &tool.limits;
        let listening = async {
            let Some(fill) = fill else {
                let mut child = start(Stdio::piped())?;
                let stdout = child.stdout();
                return listen(&mut child, stdout, limits, on_piece).await;
            };
            let (ours, theirs) = socket().map_err(ToolError::io("making a socket"))?;
            let mut child = start(Stdio::from(theirs))?;
            let questions = fill::receive(&ours).await.map_err(deaf)?;
            let listening = listen(&mut child, Some(ours), limits, on_piece);
            let Some(questions) = questions else {
                return listening.await;
            };
            tokio::select! {
                ended = listening => ended,
                answering = fill::answer(questions, &tool.input, fill) => match answering {
                    Ok(never) => match never {},
                    Err(error) => Err(ToolError::io("bringing what a tool reads")(error)),
                },
            }
        };
        tokio::select! {
            biased;
            ended = listening => judge(ended?, limits),
            () = tokio::time::sleep(limits.wall) => Err(limit_hit(limits, Resource::WallTime)),
        }
    }
}

/// A socket that takes the place of the pipe from which a tool's standard output is read: ours and the tool's end.
fn socket() -> io::Result<(UnixStream, OwnedFd)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((UnixStream::from_std(ours)?, theirs.into()))
}

async fn listen(
    child: &mut Running,
    stdout: Option<impl AsyncRead + Unpin>,
    limits: &Limits,
    on_piece: impl FnMut(&[u8]) -> Result<(), ToolError>,
) -> Result<Ended, ToolError> {
    let pieces = read_pieces(stdout, limits, on_piece);
    let (ended, ()) = child.end(pieces, deaf).await?;
    Ok(ended)
}

async fn read_pieces(
    pipe: Option<impl AsyncRead + Unpin>,
    limits: &Limits,
    mut on_piece: impl FnMut(&[u8]) -> Result<(), ToolError>,
) -> Result<(), ToolError> {
    let Some(pipe) = pipe else { return Ok(()) };
    let mut pipe = BufReader::new(pipe.take(limits.output_bytes.saturating_add(1)));
    let (mut piece, mut total) = (Vec::new(), 0);
    loop {
        piece.clear();
        let read = (&mut pipe)
            .take(PIECE_BYTES)
            .read_until(b'\n', &mut piece)
            .await
            .map_err(deaf)?;
        total += read as u64;
        if total > limits.output_bytes {
            return Err(limit_hit(limits, Resource::Output));
        }
        if read == 0 {
            return Ok(());
        }
        on_piece(&piece)?;
    }
}

fn deaf(error: io::Error) -> ToolError {
    ToolError::io("listening to a tool")(error)
}

fn judge(ended: Ended, limits: &Limits) -> Result<(), ToolError> {
    if ended.status.success() {
        return Ok(());
    }
    if let Some(resource) = ended.exhausted().or_else(|| out_of_memory(&ended)) {
        return Err(limit_hit(limits, resource));
    }
    match ended.status.code() {
        Some(code) if code == i32::from(UNCONFINED) => Err(ToolError::Sandbox(ended.stderr)),
        Some(code) if code == i32::from(NOT_STARTED) => Err(ToolError::io("becoming a tool")(
            io::Error::other(ended.stderr),
        )),
        _ => Err(ended.failed()),
    }
}

/// A tool that gave up for want of memory, in the words of the libraries that they are made of.
fn out_of_memory(ended: &Ended) -> Option<Resource> {
    const OUT_OF_MEMORY: [&str; 4] = [
        "Cannot allocate memory",
        "malloc of size",
        // A library, by the loader.
        "failed to map segment",
        // The stack of a thread.
        "Resource temporarily unavailable",
    ];
    let said = OUT_OF_MEMORY
        .iter()
        .any(|words| ended.stderr.contains(words));
    (ended.signal().is_none() && said).then_some(Resource::Memory)
}
