//! `graphile_worker`: jobs, fetched in batches into its local queue and completed in batches. It
//! knows no workflows, and a job that is done leaves no trace.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, TaskHandler, WorkerContext, WorkerOptions,
};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::{
    Bench,
    counter::{Counter, rate},
    database::Database,
};

/// Jobs inserted by one statement.
const BATCH: u64 = 1_000;

const UNFINISHED: &str = "SELECT count(*) FROM graphile_worker._private_jobs";

#[derive(Clone, Copy)]
pub struct Setting {
    /// Jobs that run at once.
    concurrency: usize,
    /// Local queues, each of which fetches on its own.
    queues: usize,
    /// Jobs that a local queue fetches at once.
    size: usize,
    /// How long completed jobs wait for others to be written with.
    delay: Duration,
    connections: u32,
}

/// The second is the one its documentation measures with.
const SETTINGS: [Setting; 3] = [
    Setting {
        concurrency: 10,
        queues: 1,
        size: 500,
        delay: Duration::from_millis(1),
        connections: 10,
    },
    Setting {
        concurrency: 24,
        queues: 1,
        size: 500,
        delay: Duration::ZERO,
        connections: 20,
    },
    Setting {
        concurrency: 64,
        queues: 4,
        size: 1_250,
        delay: Duration::from_millis(2),
        connections: 20,
    },
];

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at once, {} local queues of {}, completions after {} ms",
            self.concurrency,
            self.queues,
            self.size,
            self.delay.as_millis()
        )
    }
}

/// A job that does nothing but count itself.
#[derive(Clone, Serialize, Deserialize)]
struct Noop {
    run: u64,
}

impl TaskHandler for Noop {
    const IDENTIFIER: &'static str = "noop";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        if let Some(counter) = context.get_ext::<Counter>() {
            counter.add();
        }
        Ok::<(), String>(())
    }
}

/// Tries each setting once.
pub async fn best_setting(bench: &Bench) -> Result<Setting> {
    super::best("graphile_worker", &SETTINGS, async |setting| {
        drain(bench, setting).await
    })
    .await
}

/// Jobs per second.
pub async fn drain(bench: &Bench, setting: Setting) -> Result<f64> {
    let database = bench.cluster.fresh().await?;
    let jobs = bench.options.graphile_jobs;
    Box::pin(fill(&database, jobs)).await?;
    database.settle().await?;

    let mut watcher = database.connect().await?;
    let counter = Counter::default();
    let began = Instant::now();
    let local = LocalQueueConfig::default()
        .with_size(setting.size)
        .with_queue_count(setting.queues);
    let options = options(database.pool(setting.connections).await?)
        .concurrency(setting.concurrency)
        .local_queue(local)
        .complete_job_batch_delay(setting.delay)
        .add_extension(counter.clone());
    let worker = Box::pin(options.init()).await?;
    let worker = Arc::new(worker);
    let running = {
        let worker = Arc::clone(&worker);
        tokio::spawn(async move { worker.run().await })
    };
    counter.drained(jobs, &mut watcher, UNFINISHED).await?;
    let took = began.elapsed();
    worker.request_shutdown();
    running.await??;
    bench.cluster.remove(database).await?;
    Ok(rate(jobs, took))
}

fn options(pool: PgPool) -> WorkerOptions {
    WorkerOptions::default()
        .pg_pool(pool)
        .listen_os_shutdown_signals(false)
        .define_job::<Noop>()
}

async fn fill(database: &Database, jobs: u64) -> Result<()> {
    let worker = Box::pin(options(database.pool(1).await?).init()).await?;
    let utils = worker.create_utils();
    let spec = JobSpec::default();
    for first in (0..jobs).step_by(usize::try_from(BATCH)?) {
        let batch = first..jobs.min(first + BATCH);
        let batch: Vec<_> = batch.map(|run| (Noop { run }, &spec)).collect();
        utils.add_jobs(&batch).await?;
    }
    worker.pg_pool().close().await;
    Ok(())
}
