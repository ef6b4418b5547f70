//! `mediamill api`: the HTTP interface as a process of its own.

use std::process::ExitCode;

use anyhow::Context;
use media::storage::ObjectStore;
use tokio::net::TcpListener;

use super::proof;
use crate::{database, settings, signals::Stop, telemetry, wiring};

pub async fn run() -> anyhow::Result<ExitCode> {
    telemetry::start("info");
    let (settings, storage, config, kept) = settings::api()?;
    let stop = Stop::on_signals()?;
    let pool = database::connect(&settings.url).await?;
    proof::schema(&pool).await?;
    let store = ObjectStore::new(&storage);
    proof::buckets(&store).await?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    println!("mediamill ready: http://{}", listener.local_addr()?);
    wiring::serve_api(listener, pool, store, config, kept, stop).await?;
    Ok(ExitCode::SUCCESS)
}
