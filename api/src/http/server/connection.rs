//! One connection: from the first byte to the last, or until it has held its place for too long.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Version};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use poem::Endpoint;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, RequestParts};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::Bounds;
use super::body::{self, Answer, Patience};
use super::interim::Interim;
use super::phase::Phases;
use super::places::Places;
use super::transport::Transport;
use super::wire::Wire;

/// Bytes of a request's head, and of what is gathered before it is written.
const BUFFER_BYTES: usize = 64 * 1024;

/// A connection that was accepted.
pub struct Connection<E> {
    stream: TcpStream,
    app: Arc<E>,
    places: Arc<Places>,
    bounds: Bounds,
}

impl<E: Endpoint + 'static> Connection<E> {
    pub fn new(stream: TcpStream, app: &Arc<E>, places: &Arc<Places>, bounds: Bounds) -> Self {
        let (app, places) = (Arc::clone(app), Arc::clone(places));
        Self {
            stream,
            app,
            places,
            bounds,
        }
    }

    /// Serves it, and holds its place meanwhile.
    pub async fn serve(self, watcher: Watcher, _place: OwnedSemaphorePermit) {
        let Self {
            stream,
            app,
            places,
            bounds,
        } = self;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let addresses = Addresses::of(&stream);
        let phases = Phases::new();
        let wire = Arc::new(Wire::new(stream));
        let transport = Transport::new(Arc::clone(&wire), phases.clone());
        let service = service_fn(|request: Request<Incoming>| {
            let turn = phases.begin(request.body().size_hint().exact());
            let (app, addresses) = (Arc::clone(&app), addresses.clone());
            let patience = bounds.patience(request.uri().path());
            let interim = (request.version() == Version::HTTP_11).then(|| Interim::new(&wire));
            let mut request = addresses.request(request, patience);
            if let Some(interim) = &interim {
                request.set_data(interim.clone());
            }
            async move {
                let response = app.get_response(request).await;
                if let Some(interim) = interim {
                    interim.close();
                }
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
            reason = phases.overdue(&places) => {
                tracing::debug!(reason, "connection given up");
                return;
            }
        }
        wire.linger().await;
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

    fn request(self, request: Request<Incoming>, patience: Patience) -> poem::Request {
        let (parts, incoming) = request.into_parts();
        let parts = RequestParts::from((parts, self.local, self.remote, Scheme::HTTP));
        poem::Request::from_parts(parts, body::arriving(incoming, patience))
    }
}
