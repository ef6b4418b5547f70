//! Logs: to standard error, one line an event, filtered by `RUST_LOG`.

use std::{
    ffi::OsString,
    io::{IsTerminal, stderr},
};

use anyhow::{Context, anyhow, bail};
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// Starts logging. `MEDIAMILL_LOG=json` writes JSON for machines. Fails where a setting cannot be used: a log that says
/// less than was asked for is found out when it is needed.
pub fn start(default: &str) -> anyhow::Result<()> {
    let filter = filter(&variable("RUST_LOG")?.unwrap_or_else(|| default.to_owned()))?;
    let json = match variable("MEDIAMILL_LOG")?.as_deref() {
        Some("json") => true,
        None => false,
        Some(_) => bail!("MEDIAMILL_LOG must be json, or unset"),
    };
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
    Ok(())
}

/// As for every setting, empty counts as unset.
fn variable(name: &str) -> anyhow::Result<Option<String>> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty());
    let text = value.map(OsString::into_string).transpose();
    text.map_err(|_| anyhow!("{name} is not UTF-8"))
}

fn filter(text: &str) -> anyhow::Result<EnvFilter> {
    let filter = EnvFilter::builder().parse(text);
    filter.context("RUST_LOG cannot be read; say a level, or modules and theirs, such as RUST_LOG=info,api=debug")
}

/// On a terminal only, and not where <https://no-color.org> says otherwise.
fn colours() -> bool {
    stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
