//! Our engine under load.

use std::time::Instant;

use anyhow::Result;
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workflows::{Engine, EngineConfig, EngineError, Workflow};

use crate::{
    Bench,
    counter::{Counter, rate},
    database::Database,
    options::Options,
};

/// Runs started by one transaction.
const BATCH: u64 = 250;

const UNFINISHED: &str = "SELECT count(*) FROM workflows.runs WHERE state = 'running'";

/// Makes the engine's schema.
pub async fn prepare(database: &Database) -> Result<()> {
    let pool = database.pool(1).await?;
    workflows::migrate(&pool).await?;
    pool.close().await;
    Ok(())
}

/// Starts `runs` runs, spread over `keys` fairness keys.
pub async fn start(
    connection: &mut PgConnection,
    workflow: &Workflow<u64>,
    runs: u64,
    keys: u64,
) -> Result<()> {
    let starter = workflow.starter();
    for first in (0..runs).step_by(usize::try_from(BATCH)?) {
        let mut transaction = connection.begin().await?;
        for run in first..runs.min(first + BATCH) {
            let key = format!("key {}", run % keys);
            let (tx, subject) = (&mut *transaction, Uuid::now_v7());
            starter.start(tx, subject, &key, &run).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

/// Engines at work in this process.
pub struct Fleet {
    stop: CancellationToken,
    engines: JoinSet<Result<(), EngineError>>,
}

impl Fleet {
    /// Several engines, each with many slots.
    pub async fn launch(
        database: &Database,
        workflow: &Workflow<u64>,
        options: &Options,
    ) -> Result<Self> {
        let slots = vec![("default".to_owned(), options.slots)];
        let config = EngineConfig {
            queues: slots,
            ..EngineConfig::default()
        };
        Self::with(database, workflow, &vec![config; options.engines]).await
    }

    /// One engine as it comes.
    pub async fn single(database: &Database, workflow: &Workflow<u64>) -> Result<Self> {
        Self::with(database, workflow, &[EngineConfig::default()]).await
    }

    async fn with(
        database: &Database,
        workflow: &Workflow<u64>,
        configs: &[EngineConfig],
    ) -> Result<Self> {
        let pool = database.pool(1).await?;
        let stop = CancellationToken::new();
        let mut engines = JoinSet::new();
        for config in configs {
            let engine = Engine::new(&pool, config.clone()).register(workflow);
            engines.spawn(engine.run(stop.clone(), CancellationToken::new()));
        }
        pool.close().await;
        Ok(Self { stop, engines })
    }

    /// Returns when every engine has ended and its connections are closed.
    pub async fn stop(mut self) -> Result<()> {
        self.stop.cancel();
        while let Some(ended) = self.engines.join_next().await {
            ended??;
        }
        Ok(())
    }
}

/// What to drain: so many runs of a route with so many steps.
pub struct Load {
    pub route: fn(&Counter) -> Workflow<u64>,
    pub steps: u64,
    pub runs: u64,
}

/// What draining it took.
pub struct Drained {
    pub steps_per_second: f64,
    pub commits_per_step: f64,
    pub wal_bytes_per_step: f64,
}

/// Fills the queue of a fresh database, then starts the clock and the engines.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub async fn drain(bench: &Bench, load: &Load) -> Result<Drained> {
    let (cluster, options) = (&bench.cluster, &bench.options);
    let database = cluster.fresh().await?;
    prepare(&database).await?;
    let counter = Counter::default();
    let workflow = (load.route)(&counter);
    let mut connection = database.connect().await?;
    start(&mut connection, &workflow, load.runs, options.keys).await?;
    connection.close().await?;
    database.settle().await?;

    let mut watcher = database.connect().await?;
    let steps = load.steps * load.runs;
    let before = database.usage(&mut cluster.admin().await?).await?;
    let began = Instant::now();
    let fleet = Fleet::launch(&database, &workflow, options).await?;
    counter.drained(steps, &mut watcher, UNFINISHED).await?;
    let took = began.elapsed();
    fleet.stop().await?;
    watcher.close().await?;
    let after = database.usage(&mut cluster.admin().await?).await?;
    cluster.remove(database).await?;
    Ok(Drained {
        steps_per_second: rate(steps, took),
        commits_per_step: (after.commits - before.commits) as f64 / steps as f64,
        wal_bytes_per_step: (after.wal_bytes - before.wal_bytes) as f64 / steps as f64,
    })
}
