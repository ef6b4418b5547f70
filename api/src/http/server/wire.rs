//! A connection's socket, shared by the HTTP library, which writes answers, and by handlers, which write interim
//! responses before them.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::os::fd::AsFd as _;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How much a client may still send, in bytes, and for how long, when it was answered before it had said all.
const LINGER_BYTES: usize = 64 * 1024 * 1024;
const LINGER: Duration = Duration::from_secs(3);

/// The socket, and what stands between two writers.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    out: Mutex<Out>,
    flushed: Notify,
}

#[derive(Debug, Default)]
struct Out {
    /// Bytes of an answer are on their way, perhaps not all of them in the socket yet.
    busy: bool,
    /// No answer can follow: an interim response is in the socket in part, or the connection is given up.
    torn: bool,
}

impl Wire {
    pub fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            out: Mutex::default(),
            flushed: Notify::new(),
        }
    }

    fn out<T>(&self, look: impl FnOnce(&mut Out) -> T) -> T {
        look(&mut self.out.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            match self.stream.try_read_buf(buffer) {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Writes a piece of an answer.
    pub fn poll_write(
        &self,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            let written = self.out(|out| {
                if out.torn {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                out.busy = true;
                self.stream.try_write_vectored(pieces)
            });
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return Poll::Ready(other),
            }
        }
    }

    /// All of the answer so far is in the socket.
    pub fn flushed(&self) {
        self.out(|out| out.busy = false);
        self.flushed.notify_waiters();
    }

    /// Nothing more will be written.
    pub fn shut(&self) -> io::Result<()> {
        // tokio shuts only what it has for itself alone; another handle on the same socket does as well.
        let same = self.stream.as_fd().try_clone_to_owned()?;
        std::net::TcpStream::from(same).shutdown(Shutdown::Write)
    }

    /// Ends the connection without a further byte.
    pub fn cut(&self) {
        self.out(|out| out.torn = true);
    }

    /// Writes a whole interim response between two answers.
    pub async fn write_between(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let flushed = self.flushed.notified();
            self.stream.writable().await?;
            let written: io::Result<_> = self.out(|out| {
                if out.busy {
                    return Ok(None);
                }
                let written = self.stream.try_write(bytes)?;
                out.torn = written < bytes.len();
                Ok(Some(written))
            });
            match written {
                Ok(Some(written)) => bytes = &bytes[written..],
                Ok(None) => flushed.await,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads on for a while and drops it: closing on a client that still writes would cost it the answer.
    pub async fn linger(&self) {
        if self.out(|out| out.torn) {
            return;
        }
        let rest = async {
            let (mut left, mut nowhere) = (LINGER_BYTES, vec![0; 64 * 1024]);
            while left > 0 && self.stream.readable().await.is_ok() {
                match self.stream.try_read(&mut nowhere) {
                    Ok(0) => return,
                    Ok(read) => left = left.saturating_sub(read),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
        };
        // Best effort: the connection is over however this ends.
        let _ = timeout(LINGER, rest).await;
    }
}
