//! awa: jobs that are claimed and completed in batches, and chains of jobs, where the next one is
//! inserted by the transaction that completes the one before. What is done is kept, and a
//! completion counts only for the lease it was claimed with.

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::Result;
use awa::{
    Client, ClientBuilder, EnqueueRequest, InsertOpts, JobArgs, JobResult, PartitionedQueue,
    QueueConfig, QueueStorage, QueueStorageConfig,
};
use serde::{Deserialize, Serialize};
use sqlx_of_peers::{PgPool, postgres::PgPoolOptions};

use crate::{
    Bench,
    counter::{Counter, rate},
    database::Database,
    routes::STEPS,
};

/// Jobs inserted by one COPY.
const BATCH: usize = 1_000;
const GRACE: Duration = Duration::from_secs(5);

const UNFINISHED: &str = "SELECT count(*) FROM awa.jobs WHERE state <> 'completed'";

#[derive(Clone, Copy)]
pub struct Setting {
    /// Jobs that run at once, in all partitions together.
    workers: u32,
    /// Parts of the queue, each with a claim of its own, of up to 512 jobs. Inserts into one part
    /// wait for each other.
    partitions: u16,
    connections: u32,
}

/// For jobs that nothing follows.
const SINGLE: [Setting; 3] = [
    Setting {
        workers: 256,
        partitions: 1,
        connections: 20,
    },
    Setting {
        workers: 1_024,
        partitions: 1,
        connections: 40,
    },
    Setting {
        workers: 1_024,
        partitions: 4,
        connections: 40,
    },
];

const CHAIN: [Setting; 3] = [
    Setting {
        workers: 64,
        partitions: 1,
        connections: 40,
    },
    Setting {
        workers: 64,
        partitions: 8,
        connections: 40,
    },
    Setting {
        workers: 256,
        partitions: 16,
        connections: 80,
    },
];

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (workers, partitions) = (self.workers, self.partitions);
        write!(f, "{workers} workers in {partitions} partitions, ")?;
        write!(f, "{} connections", self.connections)
    }
}

impl Setting {
    fn queue(self) -> Result<PartitionedQueue> {
        Ok(PartitionedQueue::new("bench", self.partitions.into())?)
    }
}

#[derive(Clone, Copy)]
pub enum Route {
    /// Three jobs in a row.
    Chain,
    /// One job.
    Single,
}

impl Route {
    /// Jobs of one run.
    fn steps(self) -> u64 {
        match self {
            Self::Chain => STEPS,
            Self::Single => 1,
        }
    }

    /// Without a deadline a claim of many jobs is one row, which is cheaper. But jobs that are
    /// completed one by one, as those that something follows, then wait for each other.
    fn deadline(self) -> Duration {
        match self {
            Self::Chain => QueueConfig::default().deadline_duration,
            Self::Single => Duration::ZERO,
        }
    }

    fn runs(self, bench: &Bench) -> usize {
        match self {
            Self::Chain => bench.options.awa_runs,
            Self::Single => bench.options.awa_jobs,
        }
    }
}

#[derive(Serialize, Deserialize, JobArgs)]
struct First {
    run: usize,
}

#[derive(Serialize, Deserialize, JobArgs)]
struct Second {
    run: usize,
}

#[derive(Serialize, Deserialize, JobArgs)]
struct Third {
    run: usize,
}

/// Tries each setting once.
pub async fn best_setting(bench: &Bench, route: Route) -> Result<Setting> {
    let settings = match route {
        Route::Chain => &CHAIN,
        Route::Single => &SINGLE,
    };
    super::best("awa", settings, async |setting| {
        drain(bench, route, setting).await
    })
    .await
}

/// Jobs per second.
pub async fn drain(bench: &Bench, route: Route, setting: Setting) -> Result<f64> {
    let database = bench.cluster.fresh().await?;
    let runs = route.runs(bench);
    fill(&database, runs, setting).await?;
    database.settle().await?;

    let mut watcher = database.connect().await?;
    let counter = Counter::default();
    let steps = u64::try_from(runs)? * route.steps();
    let pool = pool(&database, setting.connections).await?;
    let began = Instant::now();
    let client = client(&pool, route, setting, &counter)?;
    client.start().await?;
    counter.drained(steps, &mut watcher, UNFINISHED).await?;
    let took = began.elapsed();
    client.shutdown(GRACE).await;
    pool.close().await;
    bench.cluster.remove(database).await?;
    Ok(rate(steps, took))
}

fn client(pool: &PgPool, route: Route, setting: Setting, counter: &Counter) -> Result<Client> {
    let config = QueueConfig {
        max_workers: setting.workers / u32::from(setting.partitions),
        poll_interval: Duration::from_millis(50),
        deadline_duration: route.deadline(),
        ..QueueConfig::default()
    };
    let queue = setting.queue()?;
    let builder = Client::builder(pool.clone()).partitioned_queue(&queue, config);
    let builder = noop::<First>(builder, counter);
    let builder = match route {
        Route::Single => builder,
        Route::Chain => {
            let (second, third) = (queue.clone(), queue);
            noop::<Third>(noop::<Second>(builder, counter), counter)
                .on_completed_enqueue_with::<First, Second, _>(move |First { run }, _| {
                    EnqueueRequest::new(Second { run }).queue(second.queue_for_index(run))
                })
                .on_completed_enqueue_with::<Second, Third, _>(move |Second { run }, _| {
                    EnqueueRequest::new(Third { run }).queue(third.queue_for_index(run))
                })
        }
    };
    Ok(builder.build()?)
}

/// A job that does nothing but count itself.
fn noop<J>(builder: ClientBuilder, counter: &Counter) -> ClientBuilder
where
    J: JobArgs + for<'de> Deserialize<'de> + Send + Sync + 'static,
{
    let counter = counter.clone();
    builder.register::<J, _, _>(move |_, _| {
        counter.add();
        async { Ok(JobResult::Completed) }
    })
}

async fn fill(database: &Database, runs: usize, setting: Setting) -> Result<()> {
    let pool = pool(database, 2).await?;
    awa::migrations::run(&pool).await?;
    // Its newer and faster storage, which the first worker would choose as well.
    sqlx_of_peers::query("SELECT awa.storage_auto_finalize_if_fresh('awa')")
        .execute(&pool)
        .await?;
    let store = QueueStorage::new(QueueStorageConfig::default())?;
    let queue = setting.queue()?;
    for first in (0..runs).step_by(BATCH) {
        let batch = first..runs.min(first + BATCH);
        let jobs = batch.map(|run| {
            let options = queue.route_opts_by_index(InsertOpts::default(), run);
            awa::insert::params_with(&First { run }, options)
        });
        let jobs = jobs.collect::<Result<Vec<_>, _>>()?;
        store.enqueue_params_copy(&pool, &jobs).await?;
    }
    pool.close().await;
    Ok(())
}

async fn pool(database: &Database, connections: u32) -> Result<PgPool> {
    let pool = PgPoolOptions::new().max_connections(connections);
    Ok(pool.connect(&database.url).await?)
}
