//! Logs: to standard error, one line an event, filtered by `RUST_LOG`.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// Starts logging. `MEDIAMILL_LOG=json` writes JSON for machines.
pub fn start(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let json = std::env::var("MEDIAMILL_LOG").is_ok_and(|format| format == "json");
    let registry = tracing_subscriber::registry().with(filter);
    // A line that cannot be written, because the disk is full say, must not end the process: what the layer does
    // instead is `eprintln!`, which panics for the same reason.
    let layer = fmt::layer()
        .with_writer(stderr)
        .log_internal_errors(false)
        .with_ansi(colours());
    if json {
        // The spans stand in the list, the innermost last; by itself it would be there twice.
        registry.with(layer.json().with_current_span(false)).init();
    } else {
        registry.with(layer.with_target(false).compact()).init();
    }
}

/// On a terminal only, and not where <https://no-color.org> says otherwise.
fn colours() -> bool {
    stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
