//! What monitors ask a process, on a port of its own: `/livez`, `/readyz` and `/metrics`.
//!
//! It listens before the process has done anything else, so that one that takes long to start is alive and not ready.

mod fleet;
mod meters;
mod readiness;
mod scanner;

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use poem::{
    EndpointExt, Response, Route, Server, get, handler,
    http::{StatusCode, header},
    listener::TcpAcceptor,
    web::{Data, Json},
};
use sqlx::PgPool;
use tokio::net::TcpListener;

use self::fleet::Fleet;
pub use self::{
    readiness::{Readiness, Started},
    scanner::watch as watch_scanner,
};

/// A process's port for monitors.
#[derive(Clone)]
pub struct Monitor {
    prometheus: PrometheusHandle,
    fleet: Fleet,
    readiness: Readiness,
}

impl Monitor {
    /// Serves until the process ends. Returns where.
    pub async fn serve(
        listen: SocketAddr,
        pool: PgPool,
        readiness: Readiness,
    ) -> anyhow::Result<SocketAddr> {
        let refused = || format!("cannot serve metrics on {listen}");
        let listener = TcpListener::bind(listen).await.with_context(refused)?;
        let address = listener.local_addr()?;
        let acceptor = TcpAcceptor::from_tokio(listener)?;
        let monitor = Self {
            prometheus: meters::install()?,
            fleet: Fleet::default(),
            readiness,
        };
        tokio::spawn(monitor.fleet.clone().watch(pool.clone()));
        tokio::spawn(meters::watch(pool, monitor.prometheus.clone()));
        let routes = Route::new()
            .at("/livez", get(livez))
            .at("/readyz", get(readyz))
            .at("/metrics", get(metrics))
            .data(Arc::new(monitor));
        tokio::spawn(async move {
            if let Err(error) = Server::new_with_acceptor(acceptor).run(routes).await {
                tracing::error!(error = %error, "the port for monitors has ended");
            }
        });
        Ok(address)
    }
}

#[handler]
fn livez() -> &'static str {
    "ok\n"
}

#[handler]
async fn readyz(monitor: Data<&Arc<Monitor>>) -> Response {
    let report = monitor.readiness.report().await;
    let status = if report.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let mut response = poem::IntoResponse::into_response(Json(report));
    response.set_status(status);
    response
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "an extractor")]
fn metrics(monitor: Data<&Arc<Monitor>>) -> Response {
    meters::process();
    let text = monitor.prometheus.render() + &monitor.fleet.render();
    // The text format of Prometheus, version 0.0.4.
    Response::builder()
        .header(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )
        .body(text)
}
