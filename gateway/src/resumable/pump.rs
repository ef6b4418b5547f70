//! Takes the body of a request into the sink: the next bytes are read while a part is on its way to the store.

use std::io;
use std::time::Duration;

use api::http::problem::Problem;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::digest::Expected;
use super::news::News;
use super::part::{PART, Sending};
use super::sink::Sink;

/// Bytes that are read while a part is on its way. With the part this is what an upload holds in memory.
const AHEAD: usize = PART / 2;

/// What has come is kept aside when nothing more has come for a moment, and now and then when little comes.
const PAUSE: Duration = Duration::from_secs(1);
const LITTLE: Duration = Duration::from_secs(15);

/// A body that has taken so long must have brought so many bytes a second: whoever sends less holds a place of others.
const WHILE: Duration = Duration::from_mins(1);
const LEAST: u64 = 1024;

/// How the body of a request ended.
#[derive(Debug)]
pub enum End {
    Whole,
    /// Before its end: the client is gone, or was silent for too long, or this process is to end.
    Cut(io::Error),
    /// With more bytes than the upload takes.
    TooMuch,
}

/// Reads all of a body. `most` is how many bytes the upload may have then.
pub async fn pump(
    sink: &mut Sink,
    mut body: impl Stream<Item = io::Result<Bytes>> + Unpin,
    most: u64,
    digests: &mut [Expected],
    news: &News,
    stopping: &CancellationToken,
) -> Result<End, Problem> {
    let mut sending: Option<Sending> = None;
    let mut end = None;
    let (begun, before) = (Instant::now(), sink.received());
    let mut kept = begun;
    loop {
        if sending.is_none() {
            if sink.buffered() >= PART {
                sending = Some(sink.send_part());
            } else if let Some(end) = end {
                return Ok(end);
            }
        }
        let room = if sending.is_some() { AHEAD } else { PART };
        let idle = sending.is_none() && end.is_none();
        tokio::select! {
            part = arrived(&mut sending), if sending.is_some() => {
                sending = None;
                sink.stored(part?).await?;
                kept = Instant::now();
                news.progress(sink.offset()).await;
            }
            piece = body.next(), if end.is_none() && sink.buffered() < room => match piece {
                Some(Ok(bytes)) => {
                    if sink.received() + bytes.len() as u64 > most {
                        return Ok(End::TooMuch);
                    }
                    for digest in &mut *digests {
                        digest.update(&bytes);
                    }
                    sink.push(&bytes);
                    if is_too_slow(begun.elapsed(), sink.received() - before) {
                        end = Some(End::Cut(io::ErrorKind::TimedOut.into()));
                    }
                }
                Some(Err(error)) => end = Some(End::Cut(error)),
                None => end = Some(End::Whole),
            },
            () = stopping.cancelled(), if end.is_none() => {
                end = Some(End::Cut(io::ErrorKind::Interrupted.into()));
            }
            () = quiet(kept), if idle && sink.has_news() => {
                sink.save().await?;
                kept = Instant::now();
                news.progress(sink.offset()).await;
            }
        }
    }
}

async fn arrived(sending: &mut Option<Sending>) -> Result<media::uploads::Part, Problem> {
    match sending {
        Some(part) => part.await,
        None => std::future::pending().await,
    }
}

fn is_too_slow(took: Duration, bytes: u64) -> bool {
    took >= WHILE && bytes < took.as_secs() * LEAST
}

/// It is time to keep aside what there is.
async fn quiet(kept: Instant) {
    let pause = Instant::now() + PAUSE;
    sleep_until(pause.min(kept + LITTLE)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_little_for_long_is_too_slow() {
        for (seconds, bytes, slow) in [
            (0, 0, false),
            (59, 1, false),
            (60, 60 * 1024 - 1, true),
            (60, 60 * 1024, false),
            (3600, 3_000_000, true),
            (3600, 4_000_000, false),
        ] {
            let took = Duration::from_secs(seconds);
            assert_eq!(is_too_slow(took, bytes), slow, "{bytes} in {took:?}");
        }
    }
}
