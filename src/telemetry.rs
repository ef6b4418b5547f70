//! Logs: to standard error, one line an event, filtered by `RUST_LOG`.

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// Starts logging. `MEDIAMILL_LOG=json` writes JSON for machines.
pub fn start(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let json = std::env::var("MEDIAMILL_LOG").is_ok_and(|format| format == "json");
    let text = fmt::layer().with_writer(std::io::stderr).with_target(false);
    let registry = tracing_subscriber::registry().with(filter);
    if json {
        registry
            .with(fmt::layer().json().with_writer(std::io::stderr))
            .init();
    } else {
        registry.with(text.compact()).init();
    }
}
