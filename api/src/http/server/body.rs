//! Bodies: a request's must arrive in time, an answer's says when it is over.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use super::phase::Turn;

/// How long a body may take.
#[derive(Debug, Clone, Copy)]
pub enum Patience {
    /// To arrive whole.
    Whole(Duration),
    /// Between two pieces of it.
    Silence(Duration),
}

/// A body that fails with [`io::ErrorKind::TimedOut`] when it takes too long.
pub fn arriving(body: Incoming, patience: Patience) -> poem::Body {
    let begun = Instant::now();
    poem::Body::from_bytes_stream(stream::unfold(Some(body), move |body| async move {
        let mut body = body?;
        let deadline = match patience {
            Patience::Whole(limit) => begun + limit,
            Patience::Silence(limit) => Instant::now() + limit,
        };
        loop {
            let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
            return match timeout_at(deadline, frame).await {
                Ok(None) => None,
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => Some((Ok::<Bytes, io::Error>(data), Some(body))),
                    Err(_trailers) => continue,
                },
                Ok(Some(Err(error))) => Some((Err(io::Error::other(error)), None)),
                Err(late) => Some((Err(io::Error::new(io::ErrorKind::TimedOut, late)), None)),
            };
        }
    }))
}

/// An answer's body, which ends its turn when it has been handed over or dropped.
pub struct Answer<B> {
    pub body: B,
    /// Dropped with the body.
    pub _turn: Turn,
}

impl<B: Body + Unpin> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
