//! What time it is. The one place that asks; everything else is told.

use chrono::{DateTime, Utc};

/// Now.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the time comes from"
)]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}
