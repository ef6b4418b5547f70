//! HTTP for every resource alike, and of none in particular: connections, requests, bodies, keys, problems.

pub mod auth;
pub(crate) mod body;
mod cors;
pub mod encoding;
mod host;
pub(crate) mod jwt;
pub mod problem;
pub(crate) mod rates;
mod request;
mod server;
mod streamed;
pub mod trace;

use std::io;

use poem::{Endpoint, EndpointExt as _};
use tokio::net::TcpListener;

use self::request::Requests;
use self::server::Bounds;
pub use self::server::Interim;
use crate::config::ApiConfig;
use crate::contract::Contract;

/// Serves `routes`, whose requests are held against `contract`, until `shutdown` ends, then lets the requests in flight finish. Every answer is within the
/// limits of `config`, and every error is a problem.
pub async fn serve(
    listener: TcpListener,
    routes: impl Endpoint + 'static,
    contract: &'static Contract,
    config: &ApiConfig,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let requests = Requests {
        allowed_origins: config.allowed_origins.clone().into(),
        operations: &contract.operations,
        deadline: config.deadline,
    };
    let bounds = Bounds {
        connections: config.max_connections,
        // Less than a request has, so that it can be told what was too slow.
        body: config.deadline.mul_f32(0.75),
        silence: config.deadline * 2,
    };
    server::serve(
        listener,
        routes.data(contract).with(requests),
        bounds,
        shutdown,
    )
    .await
}
