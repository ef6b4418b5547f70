//! Wiring: builds the parts, runs them, and takes them down in the right order.

use std::{sync::Arc, time::Duration};

use apalis::{layers::WorkerBuilderExt, prelude::Monitor};
use apalis_core::worker::{builder::WorkerBuilder, ext::parallelize::ParallelizeExt};
use serde::Serialize;
use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    attempts::{Attempts, Held},
    backend::QueueBackend,
    dispatcher::Desk,
    parts::Parts,
    perform::Perform,
    registry::Registry,
    rehearsal::Rehearsal,
    settle::SettleLayer,
    slots::Slots,
    sweeper::Schedule,
    upkeep::{self, Upkeep},
};
use crate::{Starter, Workflow, store::schedules::StartTick};

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
    /// Upper bound of the time between two claims while nothing hints at work. (A sweep that sees
    /// work is a hint.)
    pub poll: Duration,
    /// Upper bound of the time between two sweeps for due retries, lost workers and work whose
    /// notification was lost.
    pub sweep: Duration,
    /// What running steps get to finish after a stop was asked for.
    pub grace: Duration,
    /// How long runs that ended are kept, with their history. `None`: for ever. Runs with an open
    /// dead letter are never removed.
    pub retention: Option<Duration>,
    /// For tests of workflows.
    pub rehearsal: Rehearsal,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            name: format!("pid {}", std::process::id()),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            queues: Vec::new(),
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(10),
            sweep: Duration::from_secs(1),
            grace: Duration::from_secs(20),
            retention: Some(Duration::from_hours(30 * 24)),
            rehearsal: Rehearsal::None,
        }
    }
}

/// A worker process of the engine: knows workflows, runs their steps.
pub struct Engine {
    pub(super) options: PgConnectOptions,
    pub(super) config: EngineConfig,
    pub(super) registry: Registry,
    pub(super) schedules: Vec<Schedule>,
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
            schedules: Vec::new(),
        }
    }

    /// Adds a workflow whose runs this process can work on.
    #[must_use]
    pub fn register<I>(mut self, workflow: &Workflow<I>) -> Self {
        self.registry.add(Arc::clone(&workflow.definition));
        self
    }

    /// Starts a run of a workflow at intervals, in whichever worker comes first. The first tick is
    /// one interval (a second at least) after the schedule was first seen; ticks that nobody was there for make one run
    /// together, and while an earlier tick's run goes on there is none.
    #[must_use]
    pub fn schedule<I>(
        mut self,
        name: &str,
        every: Duration,
        starter: &Starter<I>,
        input: I,
    ) -> Self
    where
        I: Serialize + Send + Sync + 'static,
    {
        self.add_schedule(name, every, starter, input);
        self
    }

    fn add_schedule<I>(&mut self, name: &str, every: Duration, starter: &Starter<I>, input: I)
    where
        I: Serialize + Send + Sync + 'static,
    {
        let (starter, input) = (starter.clone(), Arc::new(input));
        let name = name.to_owned();
        let key = name.clone();
        let start: Box<StartTick> = Box::new(move |tx| {
            let (starter, input, key) = (starter.clone(), Arc::clone(&input), key.clone());
            Box::pin(async move { starter.start(tx, Uuid::now_v7(), &key, &input).await })
        });
        let every = every.max(Duration::from_secs(1));
        self.schedules.push(Schedule { name, every, start });
    }

    /// Adds the engine's own scheduled work.
    pub(super) fn keep_up(&mut self, pool: &PgPool) {
        let Some(age) = self.config.retention else {
            return;
        };
        let workflow = upkeep::upkeep(pool.clone());
        self.registry.add(Arc::clone(&workflow.definition));
        let input = Upkeep {
            keep_seconds: age.as_secs(),
        };
        self.add_schedule(upkeep::NAME, upkeep::EVERY, &workflow.starter(), input);
    }

    /// Works until `stop` fires; then claims nothing more, gives running steps their grace (cut
    /// short by `hasten`), hands back the rest and returns.
    pub async fn run(
        mut self,
        stop: CancellationToken,
        hasten: CancellationToken,
    ) -> Result<(), EngineError> {
        let parts = Parts::prepare(&mut self).await?;
        let (committer, committing) = parts.committer(stop.clone());
        let (desks, ways) = desks(&parts.slots);
        let settle = SettleLayer {
            registry: Arc::clone(&parts.registry),
            attempts: Arc::clone(&parts.attempts),
            committer,
            desks: Arc::new(
                desks
                    .iter()
                    .map(|d| (d.queue.clone(), d.worker.downgrade()))
                    .collect(),
            ),
        };
        let monitor = workers(&parts, ways, &settle);

        // Claims come first to an end, the workers drain, their commits follow, and only then
        // does the presence go.
        let drained = CancellationToken::new();
        let mut background = JoinSet::new();
        background.spawn(parts.presence().run(drained.clone()));
        background.spawn(parts.sweeper(self.schedules).run(drained.clone()));
        background.spawn(parts.announcer().run(drained.clone()));
        background.spawn(parts.listener().run(stop.clone()));
        let committing = tokio::spawn(committing);
        let dispatching = parts.dispatcher(desks).run(stop.clone());
        let claiming = tokio::spawn(async move {
            dispatching.await;
            settle.hand_back_unbegun().await;
        });
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
        let _ = claiming.await;
        let _ = committing.await;
        drained.cancel();
        while background.join_next().await.is_some() {}
        parts.pool.close().await;
        result.map_err(|e| EngineError::Runtime(e.to_string()))
    }
}

/// The end of a way to a queue's worker.
type Way = (String, mpsc::UnboundedReceiver<Held>);

/// A desk per queue, and the other ends of their ways.
fn desks(slots: &Slots) -> (Vec<Desk>, Vec<Way>) {
    let queues = slots.queues();
    queues
        .map(|(queue, permits)| {
            let (worker, way) = mpsc::unbounded_channel();
            let desk = Desk {
                queue: queue.clone(),
                slots: permits.available_permits(),
                permits: Arc::clone(permits),
                worker,
            };
            (desk, (queue.clone(), way))
        })
        .unzip()
}

/// One apalis worker per queue.
fn workers(parts: &Parts, ways: Vec<Way>, settle: &SettleLayer) -> Monitor {
    let mut monitor = Monitor::new();
    for (queue, way) in ways {
        // A monitor may build a worker again after a failure. Our backend has none (its error type
        // is `Infallible`), so the factory is called once.
        let backend = Mutex::new(Some(QueueBackend::new(way, settle.clone())));
        let perform = Perform {
            registry: Arc::clone(&parts.registry),
            attempts: Arc::clone(&parts.attempts),
            rehearsal: parts.config.rehearsal,
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
    monitor
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
