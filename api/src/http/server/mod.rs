//! The listener: HTTP/1.1 connections, each bounded in time and all of them in number, and an end
//! that is waited for.
//!
//! HTTP/2 is for the proxy in front to speak. The framework's own server bounds neither the time of a
//! request's head nor the number of connections, and asks again at once when no descriptor is left.

mod body;
mod connection;
mod head;
mod interim;
mod phase;
mod places;
mod refusal;
mod transport;
mod wire;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use poem::Endpoint;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use self::body::Patience;
use self::connection::Connection;
pub use self::interim::Interim;
use self::places::Places;
use super::streamed;

/// How long requests in flight may take to end when the process is told to stop.
const DRAIN: Duration = Duration::from_secs(20);

/// After a failed accept: without descriptors the next one fails as well, until a connection ends.
const PAUSE: Duration = Duration::from_millis(200);

/// How much clients may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections at a time. Fewer if the process may not open twice as many files.
    pub connections: usize,
    /// How long the body of a request may take to arrive.
    pub body: Duration,
    /// How long a body may be silent that is as long as somebody's file.
    pub silence: Duration,
}

impl Bounds {
    /// What holds for the body of a request to a path.
    fn patience(self, path: &str) -> Patience {
        if streamed::is(path) {
            Patience::Silence(self.silence)
        } else {
            Patience::Whole(self.body)
        }
    }
}

/// Serves until `shutdown` ends, then lets the requests in flight finish.
pub async fn serve<E: Endpoint + 'static>(
    listener: TcpListener,
    app: E,
    bounds: Bounds,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    tracing::info!(server.address = %listener.local_addr()?, "listening");
    let (app, places) = (Arc::new(app), Arc::new(Places::new(bounds.connections)));
    let (graceful, mut connections) = (GracefulShutdown::new(), JoinSet::new());
    {
        // Kept over the turns of the loop: it may hold a connection that has no place yet.
        let accepted = accept(&listener, &places);
        tokio::pin!(shutdown, accepted);
        loop {
            tokio::select! {
                (stream, place) = &mut accepted => {
                    accepted.set(accept(&listener, &places));
                    let connection = Connection::new(stream, &app, &places, bounds);
                    connections.spawn(connection.serve(graceful.watcher(), place));
                }
                Some(_) = connections.join_next() => {}
                () = &mut shutdown => break,
            }
        }
    }
    drop(listener);
    if timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests still running are ended");
    }
    Ok(())
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Places>,
) -> (TcpStream, tokio::sync::OwnedSemaphorePermit) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, places.take().await),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(PAUSE).await;
            }
        }
    }
}
