//! The HTTP interface: one file for each resource and verb, errors in one place, the contract made from the code.
//!
//! [`http`] knows no resource, [`v1`] has a folder for each, [`contract`] is what is published, `uppy` what Uppy
//! speaks, `pages` what browsers see.
//!
//! What this is not: it holds no SQL, moves no file along its route (it starts runs; workers do the rest), and touches
//! no byte of an upload: those that pass through this process are the gateway's.

mod config;
pub mod contract;
pub mod http;
pub mod openapi;
pub mod pages;
mod uppy;
pub mod v1;

use std::io;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, Utc};
use media::files::{Refused, UploadedFile};
use poem::{Endpoint, EndpointExt as _, Route};
use sqlx::PgPool;
use storage::ObjectStore;
use tokio::net::TcpListener;
use workflows::Starter;
use workflows::admin::Hooks;

pub use self::config::{
    ApiConfig, DEFAULT_MAX_CONNECTIONS, DEFAULT_REQUESTS_PER_SECOND, DEFAULT_WRONG_KEYS_PER_MINUTE,
    parse_origin,
};
use self::http::jwt::Issuer;
pub use self::http::jwt::{JwtConfig, KeySource};
use self::http::rates::{Rates, fleet};
use self::pages::{docs, upload};
use self::v1::health;

/// What every request may use. Cheap to clone.
#[derive(Clone)]
pub struct ApiState {
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
    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)().trunc_subsecs(3)
    }
}

/// The interface, added to the routes of others: every operation under `/v1`, and the pages.
fn routes(beside: Route, state: ApiState, rates: Arc<Rates>) -> impl Endpoint {
    let issuer = state.config.jwt.clone().map(Issuer::new).map(Arc::new);
    uppy::add_to(docs::add_to(upload::add_to(beside)))
        .nest_no_strip("/v1", openapi::service())
        .data(state)
        .data(health::Store::default())
        .data(rates)
        .data(issuer)
}

/// Serves until `shutdown` ends, then lets the requests in flight finish. What is mounted `beside` has the same limits.
pub async fn serve(
    listener: TcpListener,
    state: ApiState,
    beside: Route,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let (config, pool) = (state.config.clone(), state.pool.clone());
    let rates = Arc::new(Rates::new(&config));
    let serving = http::serve(
        listener,
        routes(beside, state, Arc::clone(&rates)),
        openapi::contract(),
        &config,
        shutdown,
    );
    tokio::select! {
        served = serving => served,
        never = fleet::share(&rates, &pool) => match never {},
    }
}
