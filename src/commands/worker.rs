//! `mediamill worker`: works on runs, as a process of its own. Start as many as there is work for.

use std::process::ExitCode;

use media::storage::ObjectStore;

use crate::{settings, signals::Stop, telemetry, wiring};

pub async fn run() -> anyhow::Result<ExitCode> {
    telemetry::start("info");
    let (database, storage, config, limits) = settings::worker()?;
    let stop = Stop::on_signals()?;
    let pool = wiring::connect(&database.url).await?;
    let tools = wiring::tools(pool, ObjectStore::new(&storage), limits, &config).await?;
    println!("mediamill worker ready");
    wiring::run_workers(tools, &config, stop).await?;
    Ok(ExitCode::SUCCESS)
}
