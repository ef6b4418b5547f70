//! apalis-workflow on apalis-postgres: its linear flow and its graph.

use std::time::{Duration, Instant};

use anyhow::Result;
use apalis::{layers::WorkerBuilderExt, prelude::*};
use apalis_postgres::{Config, PgPool, PostgresStorage, queries::push_tasks};
use apalis_workflow::{GraphFlow, SteppedFlow};
use futures::{FutureExt, future::BoxFuture};
use sqlx::Connection;
use tokio::task::JoinSet;

use super::Setting;
use crate::{
    Bench,
    counter::{Counter, rate},
    database::Database,
    routes::{NODES, STEPS},
};

const QUEUE: &str = "bench";
/// Tasks fetched at once.
const BATCH: usize = 100;
/// Time between two looks into an empty queue.
const POLL: Duration = Duration::from_millis(100);
/// Connections of each worker: every step inserts its successor on its own.
const CONNECTIONS: u32 = 8;

const UNFINISHED: &str = "SELECT count(*) FROM apalis.jobs WHERE status <> 'Done'";

const SETTINGS: [Setting; 3] = [
    Setting {
        workers: 1,
        slots: 100,
    },
    Setting {
        workers: 2,
        slots: 100,
    },
    Setting {
        workers: 4,
        slots: 100,
    },
];

#[derive(Clone, Copy)]
pub enum Route {
    /// Three steps in a row.
    Linear,
    /// A fan-out of four and its join.
    Graph,
}

impl Route {
    /// Steps of one run, as the counter sees them.
    fn steps(self) -> u64 {
        match self {
            Self::Linear => STEPS,
            Self::Graph => NODES,
        }
    }

    fn runs(self, bench: &Bench) -> u64 {
        match self {
            Self::Linear => bench.options.apalis_runs,
            Self::Graph => bench.options.apalis_fan_outs,
        }
    }
}

/// Tries each setting once.
pub async fn best_setting(bench: &Bench, route: Route) -> Result<Setting> {
    super::best("apalis-workflow", &SETTINGS, async |setting| {
        drain(bench, route, setting).await
    })
    .await
}

/// Steps per second.
pub async fn drain(bench: &Bench, route: Route, setting: Setting) -> Result<f64> {
    let database = bench.cluster.fresh().await?;
    let runs = route.runs(bench);
    fill(&database, runs).await?;
    database.settle().await?;

    let mut watcher = database.connect().await?;
    let counter = Counter::default();
    let steps = runs * route.steps();
    let began = Instant::now();
    let mut workers = JoinSet::new();
    for number in 0..setting.workers {
        let pool = database.pool(CONNECTIONS).await?;
        let name = format!("worker-{number}");
        workers.spawn(match route {
            Route::Linear => linear(&pool, &name, setting.slots, &counter),
            Route::Graph => graph(&pool, &name, setting.slots, &counter),
        });
    }
    counter.drained(steps, &mut watcher, UNFINISHED).await?;
    let took = began.elapsed();
    workers.shutdown().await;
    bench.cluster.remove(database).await?;
    Ok(rate(steps, took))
}

async fn fill(database: &Database, runs: u64) -> Result<()> {
    let pool = database.pool(1).await?;
    PostgresStorage::setup(&pool).await?;
    let tasks = (0..runs).map(|run| Ok(TaskBuilder::new(serde_json::to_vec(&run)?).build()));
    let tasks = tasks.collect::<Result<Vec<_>>>()?;
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    push_tasks(&mut *tx, QUEUE, tasks).await?;
    tx.commit().await?;
    drop(connection);
    pool.close().await;
    Ok(())
}

fn storage<T>(pool: &PgPool) -> PostgresStorage<T> {
    let config = Config::default().queue(QUEUE).batch_size(BATCH);
    PostgresStorage::new(pool).with_config(config)
}

/// A worker at work.
type Running = BoxFuture<'static, Result<(), WorkerError>>;

/// A step that does nothing but count itself.
macro_rules! noop {
    ($counter:expr) => {{
        let counter = $counter.clone();
        move |input: u64| {
            let counter = counter.clone();
            async move {
                counter.add();
                Ok::<u64, BoxDynError>(input)
            }
        }
    }};
}

fn linear(pool: &PgPool, name: &str, slots: usize, counter: &Counter) -> Running {
    let flow = SteppedFlow::new("linear")
        .and_then(noop!(counter))
        .and_then(noop!(counter))
        .and_then(noop!(counter));
    let worker = WorkerBuilder::new(name)
        .backend(storage::<u64>(pool).with_pubsub().poll_with_interval(POLL))
        .concurrency(slots)
        .parallelize(tokio::spawn)
        .build(flow);
    worker.run().boxed()
}

fn graph(pool: &PgPool, name: &str, slots: usize, counter: &Counter) -> Running {
    let flow = GraphFlow::new("fanning");
    let spread = flow.add_task(noop!(counter));
    let (a, b) = (flow.add_task(noop!(counter)), flow.add_task(noop!(counter)));
    let (c, d) = (flow.add_task(noop!(counter)), flow.add_task(noop!(counter)));
    let a = a.depends_on(&spread);
    let b = b.depends_on(&spread);
    let c = c.depends_on(&spread);
    let d = d.depends_on(&spread);
    let gather = {
        let counter = counter.clone();
        move |(a, b, c, d): (u64, u64, u64, u64)| {
            let counter = counter.clone();
            async move {
                counter.add();
                Ok::<u64, BoxDynError>(a + b + c + d)
            }
        }
    };
    flow.add_task(gather).depends_on((&a, &b, &c, &d));
    let worker = WorkerBuilder::new(name)
        .backend(
            storage::<Vec<u8>>(pool)
                .with_pubsub()
                .poll_with_interval(POLL),
        )
        .concurrency(slots)
        .parallelize(tokio::spawn)
        .build(flow);
    worker.run().boxed()
}
