//! The listener: HTTP/1.1 connections, each request through CORS to the S3 service, and an end that is waited for.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use s3s::auth::SimpleAuth;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use super::S3Options;
use super::cors::{self, Cors};
use super::drain::Drained;
use super::service::Service;
use super::store::Store;
use super::{forms, signed_headers};

/// Patience with the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections at a time; others wait until one ends.
const MAX_CONNECTIONS: usize = 512;
/// Patience with requests that run when the server is stopped.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum S3ServerError {
    /// The folder cannot be used, or another server uses it.
    #[error("cannot open the store in {root}")]
    Store {
        root: String,
        /// What the disk or the store said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The address is taken or not ours.
    #[error("cannot listen on {listen}")]
    Listen {
        listen: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A running S3 server. Dropping it stops it at once; [`S3Server::stop`] lets running requests end.
#[derive(Debug)]
pub struct S3Server {
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    accepting: JoinHandle<()>,
}

impl S3Server {
    /// Opens the store and listens. When this returns, requests are served.
    pub async fn start(options: S3Options) -> Result<Self, S3ServerError> {
        let (root, sync_writes) = (options.root.clone(), options.sync_writes);
        let opened = tokio::task::spawn_blocking(move || Store::open(&root, sync_writes)).await;
        let store = opened
            .map_err(Into::into)
            .and_then(|opened| opened.map_err(Into::into));
        let store = store.map_err(|source| S3ServerError::Store {
            root: options.root.display().to_string(),
            source,
        })?;
        let listen = |source| S3ServerError::Listen {
            listen: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen).await.map_err(listen)?;
        let addr = listener.local_addr().map_err(listen)?;
        let handler = Arc::new(Handler {
            service: s3_service(&options, store),
            cors: Cors::new(options.cors_origins),
            forms: forms::Places::new(),
        });
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, handler, stopped));
        tracing::info!(s3.addr = %addr, s3.root = %options.root.display(), "s3 server listens");
        Ok(Self {
            addr,
            stop,
            accepting,
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Takes no more connections, waits up to five seconds for running requests, then ends them.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        if let Err(error) = self.accepting.await {
            tracing::error!(%error, "s3 server ended badly");
        }
    }
}

fn s3_service(options: &S3Options, store: Store) -> S3Service {
    let mut config = S3Config::default();
    config.post_object_max_file_size = forms::MAX_BYTES;
    let mut builder = S3ServiceBuilder::new(Service::new(store));
    builder.set_auth(SimpleAuth::from_single(
        options.access_key_id.clone(),
        options.secret_access_key.clone(),
    ));
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    builder.build()
}

async fn accept(listener: TcpListener, handler: Arc<Handler>, mut stopped: oneshot::Receiver<()>) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => drop(connections.spawn(serve(stream, &graceful, &handler))),
                Err(error) => {
                    // Out of file descriptors, most likely: connections that end will free some.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            told = &mut stopped => match told {
                Ok(()) => break,
                // The server was dropped without being stopped; the connections go with the set.
                Err(_) => return,
            },
        }
    }
    drop(listener);
    if tokio::time::timeout(STOP_TIMEOUT, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("s3 requests still running are ended");
    }
}

fn serve(
    stream: TcpStream,
    graceful: &GracefulShutdown,
    handler: &Arc<Handler>,
) -> impl Future<Output = ()> + use<> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let handler = Arc::clone(handler);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| {
                let handler = Arc::clone(&handler);
                async move { Ok::<_, Infallible>(handler.handle(request).await) }
            }),
        );
    let connection = graceful.watch(connection);
    async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "s3 connection ended early");
        }
    }
}

struct Handler {
    service: S3Service,
    cors: Cors,
    forms: forms::Places,
}

impl Handler {
    async fn handle(&self, request: Request<Incoming>) -> Response<s3s::Body> {
        let allowed = self.cors.allowed(&request);
        let mut response = match cors::preflight(&request, allowed.as_ref()) {
            Some(answer) => answer,
            None => self.call(request).await,
        };
        cors::expose(allowed, response.headers_mut());
        response
    }

    async fn call(&self, request: Request<Incoming>) -> Response<s3s::Body> {
        let request = request.map(Drained::new);
        if let Some(refusal) = signed_headers::refusal(&request) {
            return refusal;
        }
        if forms::is_form(&request) {
            if let Some(refusal) = forms::refusal(&request) {
                return refusal;
            }
            let answered = tokio::time::timeout(forms::PATIENCE, async {
                let _place = self.forms.take(&request).await;
                self.dispatch(request).await
            });
            let answered = answered.await;
            return answered.unwrap_or_else(|_| forms::too_slow());
        }
        self.dispatch(request).await
    }

    async fn dispatch(&self, request: Request<Drained>) -> Response<s3s::Body> {
        let request = request.map(s3s::Body::http_body);
        match self.service.call(request).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(error = ?error, "s3 request failed");
                let mut response = Response::new(s3s::Body::empty());
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                response
            }
        }
    }
}
