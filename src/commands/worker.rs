//! `mediamill worker`: works on runs, as a process of its own. Start as many as there is work for.

use std::process::ExitCode;

use storage::ObjectStore;

use super::proof;
use crate::{
    database,
    monitor::{Monitor, Readiness, Started},
    output, settings,
    signals::Stop,
    telemetry, wiring,
};

pub async fn run() -> anyhow::Result<ExitCode> {
    telemetry::start("info")?;
    settings::warn_of_unknown();
    let settings = settings::worker()?;
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
    let context = wiring::context(pool, store.clone(), settings.limits, &settings.workers).await?;
    let scanner = Some(context.clamd.clone());
    let ready = |engine| {
        let engine = Some(engine);
        readiness.started(Started {
            engine,
            scanner,
            store: Some(store),
        });
        output::announce("mediamill worker ready");
    };
    wiring::run_workers(context, &settings.workers, stop, ready).await?;
    Ok(ExitCode::SUCCESS)
}
