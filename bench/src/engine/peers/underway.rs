//! underway: a job of three steps, and the time it takes to pick one up.

use std::time::Instant;

use anyhow::Result;
use sqlx_of_peers::{PgPool, postgres::PgPoolOptions};
use tokio::{
    sync::mpsc::UnboundedSender,
    task::{JoinHandle, JoinSet},
};
use underway::{Job, Queue, Task, To};

use super::Setting;
use crate::{
    Bench,
    counter::{Counter, rate},
    database::Database,
    routes::STEPS,
};

/// A task takes two connections while it runs, a worker two for listening.
const CONNECTIONS: u32 = 80;

const UNFINISHED: &str = "SELECT count(*) FROM underway.task WHERE state <> 'succeeded'";

const SETTINGS: [Setting; 3] = [
    Setting {
        workers: 2,
        slots: 4,
    },
    Setting {
        workers: 4,
        slots: 2,
    },
    Setting {
        workers: 4,
        slots: 8,
    },
];

/// Tries each setting once.
pub async fn best_setting(bench: &Bench) -> Result<Setting> {
    super::best("underway", &SETTINGS, async |setting| {
        drain(bench, setting).await
    })
    .await
}

/// Steps per second.
pub async fn drain(bench: &Bench, setting: Setting) -> Result<f64> {
    let database = bench.cluster.fresh().await?;
    let runs = bench.options.underway_runs;
    let counter = Counter::default();
    let step = || {
        let counter = counter.clone();
        move |_, input: u64| {
            counter.add();
            async move { To::next(input) }
        }
    };
    let last = {
        let counter = counter.clone();
        move |_, _: u64| {
            counter.add();
            async { To::done() }
        }
    };
    let job = Job::<u64, ()>::builder()
        .step(step())
        .step(step())
        .step(last)
        .queue(queue(&database).await?)
        .build();
    let mut transaction = pool(&database, 1).await?.begin().await?;
    for run in 0..runs {
        job.enqueue_using(&mut *transaction, &run).await?;
    }
    transaction.commit().await?;
    database.settle().await?;

    let mut watcher = database.connect().await?;
    let began = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..setting.workers {
        let mut worker = job.worker();
        worker.set_concurrency_limit(setting.slots);
        workers.spawn(async move { worker.run().await });
    }
    counter
        .drained(runs * STEPS, &mut watcher, UNFINISHED)
        .await?;
    let took = began.elapsed();
    workers.shutdown().await;
    bench.cluster.remove(database).await?;
    Ok(rate(runs * STEPS, took))
}

async fn pool(database: &Database, connections: u32) -> Result<PgPool> {
    let pool = PgPoolOptions::new().max_connections(connections);
    Ok(pool.connect(&database.url).await?)
}

/// A queue with its schema, and connections enough for every worker.
async fn queue<T: Task>(database: &Database) -> Result<Queue<T>> {
    let pool = pool(database, CONNECTIONS).await?;
    underway::run_migrations(&pool).await?;
    let queue = Queue::builder().name("bench").pool(pool).build().await?;
    Ok(queue)
}

/// A worker as it comes, and the way to start a job of one step on it. The step sends the moment
/// it was entered.
pub struct Idle {
    job: Job<u64, ()>,
    pool: PgPool,
    worker: JoinHandle<()>,
}

impl Idle {
    pub async fn launch(database: &Database, entered: UnboundedSender<Instant>) -> Result<Self> {
        let job = Job::<u64, ()>::builder()
            .step(move |_, _: u64| {
                let _ = entered.send(Instant::now());
                async { To::done() }
            })
            .queue(queue(database).await?)
            .build();
        let pool = pool(database, 1).await?;
        let worker = job.worker();
        let worker = tokio::spawn(async move {
            let _ = worker.run().await;
        });
        Ok(Self { job, pool, worker })
    }

    /// Returns when the job is committed.
    pub async fn start(&self) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        self.job.enqueue_using(&mut *transaction, &0).await?;
        Ok(transaction.commit().await?)
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        self.worker.abort();
    }
}
