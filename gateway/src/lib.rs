//! Bytes over HTTP. So far that is the edge, which serves what was made; uploads that pass through us come here, too.
//!
//! What this is not: it speaks no JSON but for problems, and decides nothing about files.

mod edge;

use poem::{EndpointExt as _, Route, get};
use storage::ObjectStore;

/// `/cdn/<key>`: what lies under `media/` in the origin bucket.
pub fn routes(store: ObjectStore) -> Route {
    Route::new().at("/cdn/*key", get(edge::get).head(edge::head).data(store))
}
