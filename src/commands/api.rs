//! `mediamill api`: the HTTP interface as a process of its own.

use std::process::ExitCode;

use anyhow::Context;
use media::storage::ObjectStore;
use tokio::net::TcpListener;

use crate::{database, settings, signals::Stop, telemetry, wiring};

pub async fn run() -> anyhow::Result<ExitCode> {
    telemetry::start("info");
    let (settings, storage, config) = settings::api()?;
    let stop = Stop::on_signals()?;
    let pool = database::connect(&settings.url).await?;
    database::must_be_migrated(&pool).await?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    println!("mediamill ready: http://{}", listener.local_addr()?);
    wiring::serve_api(listener, pool, ObjectStore::new(&storage), config, stop).await?;
    Ok(ExitCode::SUCCESS)
}
