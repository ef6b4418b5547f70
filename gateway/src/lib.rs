//! Bytes over HTTP. So far that is the edge, which serves what was made; uploads that pass through us come here, too.
//!
//! What this is not: it speaks no JSON but for problems, and decides nothing about files.

mod edge;

use poem::{EndpointExt as _, Route, get};
use settings::Reader;
use storage::ObjectStore;

/// Settings of the gateway, read and checked at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayConfig {
    /// Whether this process serves `/cdn/` itself.
    pub edge: bool,
}

impl GatewayConfig {
    /// Reads `MEDIAMILL_EDGE`.
    pub fn from_env(reader: &mut Reader) -> Self {
        Self {
            edge: reader.flag_or("MEDIAMILL_EDGE", false),
        }
    }
}

/// What is mounted beside the API: `/cdn/<key>` for what lies under `media/` in the origin bucket, if it is wanted.
pub fn routes(config: &GatewayConfig, store: ObjectStore) -> Route {
    let routes = Route::new();
    if config.edge {
        routes.at("/cdn/*key", get(edge::get).head(edge::head).data(store))
    } else {
        routes
    }
}
