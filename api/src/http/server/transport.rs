//! The socket as the HTTP library sees it: notes what moves, and puts a problem in the place of the empty answers that
//! hyper gives by itself to requests it cannot parse.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::phase::Phases;
use super::refusal;
use super::wire::Wire;

/// What hyper reads from and writes to: the stream, watched for its deadlines.
pub struct Transport {
    wire: Arc<Wire>,
    phases: Phases,
    /// What is to be written before anything else.
    instead: Vec<u8>,
}

impl Transport {
    pub fn new(wire: Arc<Wire>, phases: Phases) -> Self {
        let instead = Vec::new();
        Self {
            wire,
            phases,
            instead,
        }
    }

    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.instead.is_empty() {
            let written = ready!(self.wire.poll_write(cx, &[IoSlice::new(&self.instead)]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.instead.drain(..written);
        }
        Poll::Ready(Ok(()))
    }

    fn noted(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = written {
            self.phases.sent(bytes);
        }
        written
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = self.wire.poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.phases.received(&buffer.filled()[before..]);
        }
        read
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(cx))?;
        if self.phases.is_waiting()
            && let Some(problem) = refusal::in_place_of(bytes)
        {
            self.instead = problem;
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = self.wire.poll_write(cx, &[IoSlice::new(bytes)]);
        self.noted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = pieces {
            return self.poll_write(cx, only);
        }
        ready!(self.poll_instead(cx))?;
        let written = self.wire.poll_write(cx, pieces);
        self.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(cx))?;
        // hyper flushes when it has handed over all that it had.
        self.wire.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(cx))?;
        Poll::Ready(self.wire.shut())
    }
}
