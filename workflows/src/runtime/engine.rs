//! Wiring: builds the parts, runs them, and takes them down in the right order.

use std::{sync::Arc, time::Duration};

use apalis::{layers::WorkerBuilderExt, prelude::Monitor};
use apalis_core::worker::{builder::WorkerBuilder, ext::parallelize::ParallelizeExt};
use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio::{
    sync::{Mutex, Semaphore, mpsc},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    attempts::{Attempts, Held},
    backend::QueueBackend,
    committer::Committer,
    dispatcher::Lane,
    listener,
    parts::Parts,
    perform::Perform,
    registry::Registry,
    settle::SettleLayer,
};
use crate::Workflow;

/// How a worker process behaves.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Name of this process, for people (host and process id, say).
    pub name: String,
    /// Version of the program, for people.
    pub build: String,
    /// Slots of each queue: how many of its tasks run here at once. A queue that a step uses and
    /// that is not named here gets one slot.
    pub queues: Vec<(String, usize)>,
    /// How long a claim holds without a heartbeat.
    pub lease: Duration,
    /// Upper bound of the time between two looks into an idle queue.
    pub poll: Duration,
    /// Time between two sweeps for due retries and lost workers.
    pub sweep: Duration,
    /// What running steps get to finish after a stop was asked for.
    pub grace: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            name: format!("pid {}", std::process::id()),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            queues: Vec::new(),
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(2),
            sweep: Duration::from_secs(1),
            grace: Duration::from_secs(20),
        }
    }
}

/// A worker process of the engine: knows workflows, runs their steps.
pub struct Engine {
    pub(super) options: PgConnectOptions,
    pub(super) config: EngineConfig,
    pub(super) registry: Registry,
}

/// The engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Postgres could not be reached or refused.
    #[error("cannot register with the database")]
    Database(#[from] sqlx::Error),
    /// The runtime failed as a whole.
    #[error("the workers stopped: {0}")]
    Runtime(String),
}

impl Engine {
    /// An engine that will connect as `pool` does, with connections of its own.
    pub fn new(pool: &PgPool, config: EngineConfig) -> Self {
        let options = (*pool.connect_options()).clone();
        Self {
            options,
            config,
            registry: Registry::default(),
        }
    }

    /// Adds a workflow whose runs this process can work on.
    #[must_use]
    pub fn register<I>(mut self, workflow: &Workflow<I>) -> Self {
        self.registry.add(Arc::clone(&workflow.definition));
        self
    }

    /// Works until `stop` fires; then claims nothing more, gives running steps their grace (cut
    /// short by `hasten`), hands back the rest and returns.
    pub async fn run(
        self,
        stop: CancellationToken,
        hasten: CancellationToken,
    ) -> Result<(), EngineError> {
        let parts = Parts::prepare(self).await?;
        let (committer, committing) = parts.committer();
        let (lanes, monitor) = workers(&parts, committer);

        // Claims come first to an end, the workers drain, their commits follow, and only then
        // does the presence go.
        let drained = CancellationToken::new();
        let mut background = JoinSet::new();
        background.spawn(parts.presence().run(drained.clone()));
        background.spawn(parts.sweeper().run(drained.clone()));
        let ready = Arc::clone(&parts.ready);
        background.spawn(listener::listen(parts.pool.clone(), ready, stop.clone()));
        let committing = tokio::spawn(committing);
        tokio::spawn(parts.dispatcher(lanes).run(stop.clone()));
        let (attempts, grace) = (Arc::clone(&parts.attempts), parts.config.grace);
        tokio::spawn(end_grace(
            attempts,
            stop.clone(),
            hasten,
            grace,
            drained.clone(),
        ));

        let signal = async {
            stop.cancelled().await;
            Ok(())
        };
        let result = monitor.run_with_signal(signal).await;
        let _ = committing.await;
        drained.cancel();
        while background.join_next().await.is_some() {}
        parts.pool.close().await;
        result.map_err(|e| EngineError::Runtime(e.to_string()))
    }
}

/// One apalis worker per queue.
fn workers(parts: &Parts, committer: Committer) -> (Vec<Lane>, Monitor) {
    let (registry, attempts) = (Arc::clone(&parts.registry), Arc::clone(&parts.attempts));
    let settle = SettleLayer {
        registry,
        attempts,
        committer,
    };
    let mut queues: Vec<(String, usize)> = parts.config.queues.clone();
    for queue in parts.registry.queues() {
        if !queues.iter().any(|(name, _)| name == queue) {
            queues.push((queue.to_owned(), 1));
        }
    }
    let mut monitor = Monitor::new();
    let mut lanes = Vec::new();
    for (queue, slots) in queues {
        let (sender, receiver) = mpsc::unbounded_channel::<Held>();
        lanes.push(Lane {
            queue: queue.clone(),
            slots: Arc::new(Semaphore::new(slots)),
            worker: sender,
        });
        // A monitor may build a worker again after a failure. Our backend has none (its error type
        // is `Infallible`), so the factory is called once.
        let backend = Mutex::new(Some(QueueBackend::new(receiver, settle.clone())));
        let perform = Perform {
            registry: Arc::clone(&parts.registry),
        };
        monitor = monitor.register(move |_| {
            let backend = backend.try_lock().ok().and_then(|mut slot| slot.take());
            WorkerBuilder::new(queue.as_str())
                .backend(backend.expect("a queue's worker is built once"))
                .catch_panic()
                .parallelize(tokio::spawn)
                .build(perform.clone())
        });
    }
    (lanes, monitor)
}

/// After the grace period whatever still runs is interrupted, at no charge.
async fn end_grace(
    attempts: Arc<Attempts>,
    stop: CancellationToken,
    hasten: CancellationToken,
    grace: Duration,
    drained: CancellationToken,
) {
    stop.cancelled().await;
    tokio::select! {
        () = drained.cancelled() => return,
        () = hasten.cancelled() => {}
        () = tokio::time::sleep(grace) => {}
    }
    attempts.cancel_all();
}
