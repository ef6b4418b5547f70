//! `mediamill api`: the HTTP interface as a process of its own.

use std::process::ExitCode;

use anyhow::Context;
use storage::ObjectStore;
use tokio::net::TcpListener;

use super::proof;
use crate::{
    database,
    monitor::{Monitor, Readiness, Started},
    output, settings,
    signals::Stop,
    telemetry, wiring,
};

pub async fn run() -> anyhow::Result<ExitCode> {
    // The framework tells once more where it listens.
    telemetry::start("info,poem=warn")?;
    settings::warn_of_unknown();
    let settings = settings::api()?;
    let stop = Stop::on_signals()?;
    let pool = database::connect(&settings.database.url, settings.database.connections).await?;
    let readiness = Readiness::starting(&pool);
    if let Some(listen) = settings.metrics_listen {
        Monitor::serve(listen, pool.clone(), readiness.clone()).await?;
    }
    proof::schema(&pool).await?;
    let store = ObjectStore::new(&settings.storage);
    proof::buckets(&store).await?;
    proof::recorded_buckets(&pool, &store).await?;
    proof::signed_urls(&store).await?;
    let config = settings.http;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    readiness.started(Started {
        store: Some(store.clone()),
        ..Started::default()
    });
    output::announce(format_args!(
        "mediamill ready: http://{}",
        listener.local_addr()?
    ));
    let (gateway, kept) = (&settings.gateway, settings.kept);
    wiring::serve_api(listener, pool, store, config, gateway, kept, stop).await?;
    Ok(ExitCode::SUCCESS)
}
