//! Takes the body of a request into the sink: the next bytes are read while parts are on their way to the store.

use std::io;
use std::time::Duration;

use api::http::problem::Problem;
use bytes::Bytes;
use futures::stream::FuturesOrdered;
use futures::{Stream, StreamExt as _};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::confirm::{Confirmed, Confirming};
use super::digest::Expected;
use super::news::News;
use super::part::{PART, Sending};
use super::sink::Sink;

/// Parts in the memory of an upload, on their way to the store or filling.
const PARTS: usize = 2;

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
    let mut sending = FuturesOrdered::<Sending>::new();
    let mut confirming: Option<Confirming> = None;
    let mut end = None;
    let (begun, before) = (Instant::now(), sink.received());
    let mut kept = begun;
    loop {
        if sending.len() < PARTS && sink.buffered() >= PART {
            sending.push_back(sink.send_part().await?);
        }
        if confirming.is_none() {
            confirming = sink.confirm_parts();
        }
        let idle = sending.is_empty() && confirming.is_none();
        if idle && let Some(end) = end {
            return Ok(end);
        }
        let room = if sending.len() < PARTS { PART } else { 0 };
        tokio::select! {
            Some(part) = sending.next(), if !sending.is_empty() => sink.stored(part?),
            confirmed = arrived(&mut confirming), if confirming.is_some() => {
                confirming = None;
                sink.confirmed(confirmed?);
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
            () = quiet(kept), if idle && end.is_none() && sink.has_news() => {
                sink.save().await?;
                kept = Instant::now();
                news.progress(sink.offset()).await;
            }
        }
    }
}

async fn arrived(confirming: &mut Option<Confirming>) -> Result<Confirmed, Problem> {
    match confirming {
        Some(confirming) => confirming.await,
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
