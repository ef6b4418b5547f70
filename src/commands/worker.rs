//! `mediamill worker`: works on runs, as a process of its own. Start as many as there is work for.

use std::process::ExitCode;

use media::storage::ObjectStore;

use super::proof;
use crate::{database, metrics, settings, signals::Stop, telemetry, wiring};

pub async fn run() -> anyhow::Result<ExitCode> {
    telemetry::start("info");
    let settings = settings::worker()?;
    let stop = Stop::on_signals()?;
    let pool = database::connect(&settings.database.url).await?;
    proof::schema(&pool).await?;
    if let Some(listen) = settings.metrics_listen {
        metrics::serve(listen, pool.clone())?;
    }
    let store = ObjectStore::new(&settings.storage);
    proof::buckets(&store).await?;
    let tools = wiring::tools(pool, store, settings.limits, &settings.workers).await?;
    println!("mediamill worker ready");
    wiring::run_workers(tools, &settings.workers, stop).await?;
    Ok(ExitCode::SUCCESS)
}
