//! For tests of workflows: runs one to its end in this process, against a real Postgres, without
//! waiting for what would be due later.
//!
//! ```no_run
//! # use workflows::{Attempt, Done, Step, StepError, Workflow};
//! # struct Double;
//! # impl Step for Double {
//! #     const NAME: &'static str = "double";
//! #     type Context = ();
//! #     type Input = i64;
//! #     type Output = i64;
//! #     async fn run(_: &Attempt, input: i64) -> Result<Done<i64>, StepError> {
//! #         Ok(Done::new(input * 2))
//! #     }
//! # }
//! # async fn example(pool: sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
//! let route = Workflow::named("double", 1).step::<Double>().build();
//! let ended = workflows::testing::run_to_end(&pool, &route, &21).await?;
//! assert_eq!(ended.output(), Some(42));
//! # Ok(())
//! # }
//! ```
//!
//! The database should be the test's own: retries and delayed starts of all runs of the registered
//! workflows in it become due at once, and dependencies that are down are tried again at once. Each
//! attempt still takes the time that it takes.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::PgPool;
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::define::ids::RunId;
use crate::store::error::StoreError;
use crate::{
    admin::{
        AdminError,
        explain::{Answer, Attempt, Explanation, explain},
    },
    client::wait::{End, WaitError, wait},
    define::{run::StartError, workflow::Workflow},
    engine::{builder::Engine, config::EngineConfig, error::EngineError},
    store::hurry::hurry,
};

/// Time between two looks.
const EVERY: Duration = Duration::from_millis(30);
/// What cannot move is looked at for so long: a worker has to come first.
const SURE: Duration = Duration::from_secs(3);
/// The engine's own end takes no longer than this.
const STOP: Duration = Duration::from_secs(10);
/// Without another word a run gets this long.
const LIMIT: Duration = Duration::from_secs(30);

/// Starts a run of a workflow and works on it until it has ended or is dead, with thirty-two slots
/// in each queue. [`Harness`] is for all other wishes.
pub async fn run_to_end<I: Serialize>(
    pool: &PgPool,
    workflow: &Workflow<I>,
    input: &I,
) -> Result<Ended, NotEnded> {
    let definition = &workflow.definition;
    let mut queues: Vec<_> = definition.steps.iter().map(|step| step.queue).collect();
    queues.sort_unstable();
    queues.dedup();
    let config = EngineConfig {
        queues: queues
            .into_iter()
            .map(|queue| (queue.to_owned(), 32))
            .collect(),
        ..EngineConfig::default()
    };
    Harness::new(pool, config).run(workflow, input).await
}

/// An engine for one test.
pub struct Harness {
    pool: PgPool,
    engine: Engine,
    /// Whose time is skipped.
    workflows: Vec<String>,
    limit: Duration,
}

impl Harness {
    /// With these settings, but for the time between two sweeps, which is short.
    pub fn new(pool: &PgPool, config: EngineConfig) -> Self {
        let config = EngineConfig {
            sweep: config.sweep.min(Duration::from_millis(100)),
            ..config
        };
        Self {
            pool: pool.clone(),
            engine: Engine::new(pool, config),
            workflows: Vec::new(),
            limit: LIMIT,
        }
    }

    /// Works on runs of this workflow as well: one that the tested one starts.
    #[must_use]
    pub fn with<I>(mut self, workflow: &Workflow<I>) -> Self {
        self.workflows.push(workflow.definition.name.to_owned());
        self.engine = self.engine.register(workflow);
        self
    }

    /// The time that the run gets, of the clock on the wall. Half a minute without this.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Starts a run of `workflow`, which need not be registered before, and works on it until it has
    /// ended or is dead.
    pub async fn run<I: Serialize>(
        self,
        workflow: &Workflow<I>,
        input: &I,
    ) -> Result<Ended, NotEnded> {
        let mut transaction = self.pool.begin().await?;
        let starter = workflow.starter();
        let run = starter.start(&mut transaction, Uuid::now_v7(), "test", input);
        let run = run.await?;
        transaction.commit().await?;
        let name = &workflow.definition.name;
        let known = self.workflows.iter().any(|known| known == name);
        let harness = if known { self } else { self.with(workflow) };
        harness.finish(run).await
    }

    /// Works until a run has ended or is dead that the test itself has started.
    pub async fn finish(self, run: RunId) -> Result<Ended, NotEnded> {
        let stop = CancellationToken::new();
        let engine = Running {
            task: tokio::spawn(self.engine.run(stop.clone(), stop.clone())),
            stop: stop.drop_guard(),
        };
        let watch = Watch {
            pool: self.pool,
            workflows: self.workflows,
            run,
            until: Instant::now() + self.limit,
        };
        watch.watch(engine).await
    }
}

/// What a run has come to.
#[derive(Debug)]
pub struct Ended {
    /// The run that was walked to its end.
    pub run: RunId,
    /// How it ended. Never [`End::NotYet`].
    pub end: End<Value>,
    /// Every attempt that ended, in order; the first thousand.
    pub attempts: Vec<Attempt>,
}

impl Ended {
    /// What the last step handed on, if the run succeeded and this is its type.
    pub fn output<O: DeserializeOwned>(&self) -> Option<O> {
        match &self.end {
            End::Succeeded(output) => O::deserialize(output).ok(),
            _ => None,
        }
    }
}

/// A run has not ended.
#[derive(Debug, thiserror::Error)]
pub enum NotEnded {
    /// It waits for something that does not come, or the time is over.
    #[error("the run has not ended, because: {}", in_words(&.0.answer))]
    Stuck(Box<Explanation>),
    /// It could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The engine could not start, or ended by itself.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The engine panicked or was aborted.
    #[error("the engine was aborted")]
    Aborted(#[from] tokio::task::JoinError),
    /// The run is gone or cannot be read.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// The run could not be explained.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The database refused or was lost.
    #[error("the database could not be asked")]
    Database(#[from] StoreError),
}

impl From<sqlx::Error> for NotEnded {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

fn in_words(answer: &Answer) -> String {
    serde_json::to_string(answer).unwrap_or_else(|_| format!("{answer:?}"))
}

/// The engine, which stops when this is dropped.
struct Running {
    task: JoinHandle<Result<(), EngineError>>,
    stop: DropGuard,
}

struct Watch {
    pool: PgPool,
    workflows: Vec<String>,
    run: RunId,
    until: Instant,
}

impl Watch {
    async fn watch(self, mut engine: Running) -> Result<Ended, NotEnded> {
        let end = tokio::select! {
            end = self.end() => end?,
            ended = &mut engine.task => {
                ended??;
                return Err(self.stuck().await?);
            }
        };
        let attempts = explain(&self.pool, self.run.0).await?.timeline;
        let Running { task, stop } = engine;
        drop(stop);
        if let Ok(stopped) = tokio::time::timeout(STOP, task).await {
            stopped??;
        }
        Ok(Ended {
            run: self.run,
            end,
            attempts,
        })
    }

    async fn end(&self) -> Result<End<Value>, NotEnded> {
        let mut still = None;
        loop {
            match wait(&self.pool, self.run, Duration::ZERO).await? {
                End::NotYet => {}
                end => return Ok(end),
            }
            hurry(&self.pool, &self.workflows).await?;
            let explanation = explain(&self.pool, self.run.0).await?;
            let over = Instant::now() >= self.until;
            if cannot_move(&explanation.answer) {
                let since = *still.get_or_insert_with(Instant::now);
                if since.elapsed() >= SURE || over {
                    return Err(NotEnded::Stuck(Box::new(explanation)));
                }
            } else if over {
                return Err(NotEnded::Stuck(Box::new(explanation)));
            } else {
                still = None;
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn stuck(&self) -> Result<NotEnded, NotEnded> {
        let explanation = explain(&self.pool, self.run.0).await?;
        Ok(NotEnded::Stuck(Box::new(explanation)))
    }
}

/// Nothing that this process does changes that.
fn cannot_move(answer: &Answer) -> bool {
    matches!(
        answer,
        Answer::RunPaused { .. } | Answer::QueuePaused { .. } | Answer::NoWorker { .. }
    )
}
