//! Carries bytes from one socket to the other, later or not at all.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split},
    sync::{mpsc, watch},
    time::Instant,
};

use super::{fault::Faults, target::Target};

/// What holds for all connections.
#[derive(Debug)]
pub(super) struct Weather {
    pub target: Target,
    pub parted: bool,
    pub refusing: bool,
    pub latency: Duration,
    pub faults: Faults,
}

impl Weather {
    pub fn fair(target: Target) -> Self {
        Self {
            target,
            parted: false,
            refusing: false,
            latency: Duration::ZERO,
            faults: Faults::new(|_| None),
        }
    }
}

/// Bytes that are read at once.
const CHUNK: usize = 16 << 10;
/// Chunks that can be on their way, each way: 16 MiB.
const ON_THE_WAY: usize = 1024;

/// Waits until the parts are joined again.
pub(super) async fn passable(weather: &mut watch::Receiver<Weather>) {
    if weather.wait_for(|weather| !weather.parted).await.is_err() {
        // The proxy is being dropped, and this task with it.
        std::future::pending::<()>().await;
    }
}

/// Carries both ways until both have ended, or one has failed. What is heard goes on only if the listener says so;
/// otherwise this never ends.
pub(super) async fn forward(
    client: impl AsyncRead + AsyncWrite,
    server: impl AsyncRead + AsyncWrite,
    weather: &watch::Receiver<Weather>,
    hear: impl FnMut(&[u8]) -> bool,
    hear_answer: impl FnMut(&[u8]) -> bool,
) {
    let (from_client, to_client) = split(client);
    let (from_server, to_server) = split(server);
    // A failure is the end of the connection; what kind it was matters to nobody.
    let _ = tokio::try_join!(
        carry(from_client, to_server, weather.clone(), hear),
        carry(from_server, to_client, weather.clone(), hear_answer),
    );
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut weather: watch::Receiver<Weather>,
    mut hear: impl FnMut(&[u8]) -> bool,
) -> Result<(), std::io::Error> {
    let (sender, mut on_the_way) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let news = weather.clone();
    let reading = async move {
        loop {
            let mut chunk = vec![0; CHUNK];
            // A broken connection ends as a closed one does: after what was said before.
            let read = from.read(&mut chunk).await.unwrap_or(0);
            chunk.truncate(read);
            if !hear(&chunk) {
                std::future::pending::<()>().await;
            }
            let due = Instant::now() + news.borrow().latency;
            if sender.send((due, chunk)).await.is_err() || read == 0 {
                return Ok(());
            }
        }
    };
    let writing = async {
        while let Some((due, chunk)) = on_the_way.recv().await {
            // Even a time that has passed would cost a sleeper a millisecond.
            if due > Instant::now() {
                tokio::time::sleep_until(due).await;
            }
            passable(&mut weather).await;
            if chunk.is_empty() {
                break;
            }
            to.write_all(&chunk).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(reading, writing).map(|_| ())
}
