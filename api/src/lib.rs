//! The HTTP interface: one file for each resource and verb, errors in one place, the contract made from the code.
//!
//! What this is not: it holds no SQL, moves no file along its route (it starts runs; workers do the rest), and touches
//! no byte of an upload.

mod account;
pub mod admin;
mod asset;
mod auth;
mod body;
mod codes;
mod config;
mod contract;
mod cors;
mod docs;
mod edge;
mod errors;
pub mod files;
mod health;
mod host;
pub mod openapi;
mod page;
pub mod problem;
mod rates;
mod request;
mod server;
mod trace;
mod uploads;

use std::io;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, Utc};
use media::files::{Refused, UploadedFile};
use media::storage::ObjectStore;
use poem::{Endpoint, EndpointExt as _, Route, get};
use sqlx::PgPool;
use tokio::net::TcpListener;
use workflows::Starter;
use workflows::admin::Hooks;

pub use self::config::{
    ApiConfig, DEFAULT_MAX_CONNECTIONS, DEFAULT_MAX_OPEN_UPLOADS, DEFAULT_REQUESTS_PER_SECOND,
    DEFAULT_WRONG_KEYS_PER_MINUTE, parse_origin,
};
use self::request::Requests;
use self::server::Bounds;

/// What every request may use. Cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    /// The database.
    pub pool: PgPool,
    /// The object store, here only for signatures and for looking.
    pub store: ObjectStore,
    /// Starts the workflow of a completed upload.
    pub starter: Starter<UploadedFile>,
    /// Starts the removal of what is no longer needed of a file.
    pub discards: Starter<Refused>,
    /// What files want to be told when somebody ends their runs or makes them live again.
    pub hooks: Hooks,
    /// Settings.
    pub config: Arc<ApiConfig>,
    /// What time it is; `Utc::now` outside of tests.
    pub clock: fn() -> DateTime<Utc>,
}

impl ApiState {
    /// In milliseconds, so that what is answered is what is stored and what every client can hold.
    fn now(&self) -> DateTime<Utc> {
        (self.clock)().trunc_subsecs(3)
    }
}

/// The whole interface as one endpoint, which never fails: every error is already an answer.
pub fn app(state: ApiState) -> impl Endpoint {
    let requests = Requests {
        allowed_origins: state.config.allowed_origins.clone().into(),
        operations: contract::operations(),
        deadline: state.config.deadline,
    };
    let rates = Arc::new(rates::Rates::new(&state.config));
    let route = docs::add_to(page::add_to(Route::new()));
    let route = if state.config.edge {
        route.at("/cdn/*key", get(edge::get).head(edge::head))
    } else {
        route
    };
    route
        .nest_no_strip("/v1", openapi::service())
        .data(state)
        .data(health::Store::default())
        .data(rates)
        .with(requests)
}

/// Serves until `shutdown` ends, then lets the requests in flight finish.
pub async fn serve(
    listener: TcpListener,
    state: ApiState,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let bounds = Bounds {
        connections: state.config.max_connections,
        // Less than a request has, so that it can be told what was too slow.
        body: state.config.deadline.mul_f32(0.75),
    };
    server::serve(listener, app(state), bounds, shutdown).await
}
