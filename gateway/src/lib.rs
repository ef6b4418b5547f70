//! Bytes over HTTP: the edge, which serves what was made, and resumable uploads, which pass through this process.
//!
//! What this is not: it speaks no JSON but for problems and the API's own answers, and decides nothing about files.

mod edge;
mod resumable;

use poem::{EndpointExt as _, Route, get};
use settings::Reader;
use storage::ObjectStore;

use self::resumable::Resumable;

/// Settings of the gateway, read and checked at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayConfig {
    /// Whether this process serves `/cdn/` itself.
    pub edge: bool,
    /// Bytes of the body of one request that a proxy in front takes, if it does not take everything.
    pub max_append_size: Option<u64>,
}

impl GatewayConfig {
    /// Reads `MEDIAMILL_EDGE` and `MEDIAMILL_MAX_APPEND_BYTES`.
    pub fn from_env(reader: &mut Reader) -> Self {
        Self {
            edge: reader.flag_or("MEDIAMILL_EDGE", false),
            max_append_size: max_append_size(reader),
        }
    }
}

fn max_append_size(reader: &mut Reader) -> Option<u64> {
    const NAME: &str = "MEDIAMILL_MAX_APPEND_BYTES";
    reader.optional(NAME)?;
    // Less than this is more requests than bytes.
    Some(reader.number_or(NAME, 64 * 1024..=u64::MAX, 100_000_000))
}

/// What is mounted beside the API: `/v1/resumable` for uploads, and `/cdn/<key>` for what lies under `media/` in the
/// origin bucket, if it is wanted.
pub fn routes(config: &GatewayConfig, store: ObjectStore) -> Route {
    let uploads = Resumable::new(config.max_append_size);
    let routes = Route::new()
        .at("/v1/resumable", uploads.clone())
        .at("/v1/resumable/", uploads.clone())
        .at("/v1/resumable/:upload_id", uploads);
    if config.edge {
        routes.at("/cdn/*key", get(edge::get).head(edge::head).data(store))
    } else {
        routes
    }
}
