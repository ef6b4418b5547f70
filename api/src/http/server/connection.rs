//! One connection: from the first byte to the last, or until it has held its place for too long.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use poem::Endpoint;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, RequestParts};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::body::{self, Answer};
use super::phase::Phases;
use super::places::Places;
use super::transport::Transport;

/// Bytes of a request's head, and of what is gathered before it is written.
const BUFFER_BYTES: usize = 64 * 1024;

/// A connection that was accepted.
pub struct Connection<E> {
    stream: TcpStream,
    app: Arc<E>,
    places: Arc<Places>,
    body: Duration,
}

impl<E: Endpoint + 'static> Connection<E> {
    pub fn new(stream: TcpStream, app: &Arc<E>, places: &Arc<Places>, body: Duration) -> Self {
        let (app, places) = (Arc::clone(app), Arc::clone(places));
        Self {
            stream,
            app,
            places,
            body,
        }
    }

    /// Serves it, and holds its place meanwhile.
    pub async fn serve(self, watcher: Watcher, _place: OwnedSemaphorePermit) {
        let Self {
            stream,
            app,
            places,
            body,
        } = self;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let addresses = Addresses::of(&stream);
        let phases = Phases::new();
        let transport = Transport::new(stream, phases.clone());
        let service = service_fn(|request: Request<Incoming>| {
            let turn = phases.begin(request.body().size_hint().exact());
            let (app, addresses) = (Arc::clone(&app), addresses.clone());
            async move {
                let response = app.get_response(addresses.request(request, body)).await;
                turn.answered();
                let response = hyper::Response::from(response);
                let answer = response.map(|body| Answer { body, _turn: turn });
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = http1::Builder::new()
            .header_read_timeout(None)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(TokioIo::new(transport), service);
        tokio::select! {
            ended = watcher.watch(connection) => if let Err(error) = ended {
                tracing::debug!(%error, "connection ended early");
            },
            reason = phases.overdue(&places) => tracing::debug!(reason, "connection given up"),
        }
    }
}

#[derive(Clone)]
struct Addresses {
    local: LocalAddr,
    remote: RemoteAddr,
}

impl Addresses {
    fn of(stream: &TcpStream) -> Self {
        let address = |address: std::io::Result<_>| address.map(Addr::SocketAddr).ok();
        Self {
            local: LocalAddr(address(stream.local_addr()).unwrap_or_default()),
            remote: RemoteAddr(address(stream.peer_addr()).unwrap_or_default()),
        }
    }

    fn request(self, request: Request<Incoming>, body: Duration) -> poem::Request {
        let (parts, incoming) = request.into_parts();
        let parts = RequestParts::from((parts, self.local, self.remote, Scheme::HTTP));
        poem::Request::from_parts(parts, body::arriving(incoming, body))
    }
}
