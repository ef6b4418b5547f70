//! DBOS: workflows of three steps, taken from one of its queues. Each step's result is a row and a
//! commit of its own; the process that took a workflow owns it until it is started again.

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::Result;
use dbos::{Config, DBOS, Enqueue, QueueConflict, QueueOptions, StartOptions, WorkflowRef, step};
use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    Bench,
    counter::{Counter, rate},
    database::Database,
    routes::STEPS,
};

const QUEUE: &str = "bench";
/// Workflows enqueued at once, before the clock starts.
const PRODUCERS: usize = 16;
/// Time between two looks into the queue.
const POLL: Duration = Duration::from_millis(10);

const UNFINISHED: &str = "SELECT count(*) FROM dbos.workflow_status WHERE status <> 'SUCCESS'";

#[derive(Clone, Copy)]
pub struct Setting {
    /// Workflows that run at once, or all that wait.
    concurrency: Option<i32>,
    connections: u32,
}

const SETTINGS: [Setting; 3] = [
    Setting {
        concurrency: Some(100),
        connections: 20,
    },
    Setting {
        concurrency: None,
        connections: 20,
    },
    Setting {
        concurrency: None,
        connections: 80,
    },
];

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.concurrency {
            Some(concurrency) => write!(f, "{concurrency} at once")?,
            None => write!(f, "all at once")?,
        }
        write!(f, " on {} connections", self.connections)
    }
}

/// Tries each setting once.
pub async fn best_setting(bench: &Bench) -> Result<Setting> {
    super::best("dbos", &SETTINGS, async |setting| {
        drain(bench, setting).await
    })
    .await
}

/// Steps per second.
pub async fn drain(bench: &Bench, setting: Setting) -> Result<f64> {
    let database = bench.cluster.fresh().await?;
    let runs = bench.options.dbos_runs;
    fill(&database, runs, setting).await?;
    database.settle().await?;

    let mut watcher = database.connect().await?;
    let counter = Counter::default();
    let config = Config {
        max_connections: setting.connections,
        ..config(&database)
    };
    let (dbos, _) = application(config, &counter)?;
    let began = Instant::now();
    Box::pin(dbos.launch()).await?;
    counter
        .drained(runs * STEPS, &mut watcher, UNFINISHED)
        .await?;
    let took = began.elapsed();
    dbos.shutdown().await;
    bench.cluster.remove(database).await?;
    Ok(rate(runs * STEPS, took))
}

fn config(database: &Database) -> Config {
    Config {
        app_version: Some("1".to_owned()),
        ..Config::new("bench", database.url.clone())
    }
}

/// An application that knows the workflow, and is not launched yet.
fn application(config: Config, counter: &Counter) -> Result<(DBOS, WorkflowRef<u64, u64>)> {
    let dbos = DBOS::new(config);
    let counter = counter.clone();
    let workflow = dbos.register_workflow("linear", move |run: u64| {
        let counter = counter.clone();
        async move {
            let run = noop("first", run, &counter).await?;
            let run = noop("second", run, &counter).await?;
            noop("third", run, &counter).await
        }
    })?;
    Ok((dbos, workflow))
}

/// A step that does nothing but count itself.
async fn noop(name: &str, run: u64, counter: &Counter) -> dbos::Result<u64> {
    let body = || async {
        counter.add();
        dbos::Result::Ok(run)
    };
    step(name, body).await
}

/// Leaves the workflows on the queue, from an application that takes none itself.
async fn fill(database: &Database, runs: u64, setting: Setting) -> Result<()> {
    let config = Config {
        listen_queues: Some(Vec::new()),
        max_connections: u32::try_from(PRODUCERS)?,
        ..config(database)
    };
    let (dbos, workflow) = application(config, &Counter::default())?;
    Box::pin(dbos.launch()).await?;
    let options = QueueOptions {
        worker_concurrency: setting.concurrency,
        polling_interval: POLL,
        ..QueueOptions::default()
    };
    dbos.register_queue(QUEUE, options, QueueConflict::AlwaysUpdate)
        .await?;
    let started = stream::iter(0..runs).map(|run| {
        let options = StartOptions {
            queue: Some(Enqueue::new(QUEUE)),
            ..StartOptions::default()
        };
        let workflow = &workflow;
        async move { workflow.start_with(run, options).await.map(drop) }
    });
    started
        .buffer_unordered(PRODUCERS)
        .try_collect::<()>()
        .await?;
    dbos.shutdown().await;
    Ok(())
}
