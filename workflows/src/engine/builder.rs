//! Wiring: builds the parts, runs them under supervision, and takes them down in the right order.

use std::{sync::Arc, time::Duration};

use apalis::{layers::WorkerBuilderExt, prelude::Monitor};
use apalis_core::worker::{builder::WorkerBuilder, ext::parallelize::ParallelizeExt};
use serde::Serialize;
use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    client::start::Starter,
    define::{reports::Reports, workflow::Workflow},
    engine::{
        config::EngineConfig,
        error::EngineError,
        health::{Health, Vitals},
        parts::Parts,
        shutdown::{Phases, Stop},
    },
    maintenance::{
        pruner::{self, Upkeep},
        scheduler::Schedule,
    },
    store::schedules::StartTick,
    worker::{
        backend::QueueBackend,
        channels::{Channels, QueueChannel},
        complete::CompleteLayer,
        completer::{Completer, Tasks},
        in_flight::Held,
        perform::Perform,
        registry::Registry,
        slots::Slots,
    },
};

/// A worker process of the engine: knows workflows, runs their steps.
///
/// It keeps up to twelve connections to Postgres of its own, most of them only while they are needed.
pub struct Engine {
    pub(crate) options: PgConnectOptions,
    pub(crate) config: EngineConfig,
    pub(crate) registry: Registry,
    pub(crate) schedules: Vec<Schedule>,
    pub(crate) vitals: Vitals,
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
            vitals: Vitals::default(),
        }
    }

    /// Adds a workflow whose runs this process can work on. One whose steps need something is given it
    /// first ([`Workflow::with_context`]).
    #[must_use]
    pub fn register<I>(mut self, workflow: &Workflow<I>) -> Self {
        self.registry.add(workflow);
        self
    }

    /// Starts a run of a workflow at intervals, in whichever worker comes first. The first tick is
    /// one interval (a second at least) after the schedule was first seen; ticks that were missed
    /// because no worker was there make one run together. While the run of an earlier tick goes on, no run is
    /// started.
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
    fn keep_up(&mut self) {
        let (runs, events) = (self.config.retention, self.config.keep_events);
        if runs.is_none() && events.is_none() {
            return;
        }
        let workflow = pruner::upkeep(&self.options, self.config.lease);
        self.registry.add(&workflow);
        let input = Upkeep {
            keep_seconds: runs.map(|age| age.as_secs()),
            keep_events_seconds: events.map(|age| age.as_secs()),
        };
        self.add_schedule(pruner::NAME, pruner::EVERY, &workflow.starter(), input);
    }

    /// What makes no sense, in sentences.
    fn mistakes(&self) -> Vec<String> {
        let mut mistakes = self.config.mistakes();
        mistakes.extend(self.registry.mistakes());
        let mut names: Vec<_> = self.schedules.iter().map(|s| &s.name).collect();
        names.sort_unstable();
        for twice in names.windows(2).filter(|w| w[0] == w[1]) {
            mistakes.push(format!("two schedules are called {}", twice[0]));
        }
        mistakes
    }

    /// The health of this engine, from before it runs.
    pub fn health(&self) -> Health {
        Health(self.vitals.clone())
    }

    /// Works until `stop` fires; then claims nothing more, gives running steps their grace (cut
    /// short by `force_stop`), hands back the rest and returns, in bounded time whatever hangs.
    ///
    /// Ends with [`EngineError::Ended`] when a part of it ends by itself. What runs then gets its
    /// grace as after a stop; the caller should let the process be started again.
    pub async fn run(
        mut self,
        stop: CancellationToken,
        force_stop: CancellationToken,
    ) -> Result<(), EngineError> {
        self.keep_up();
        let mistakes = self.mistakes();
        if !mistakes.is_empty() {
            return Err(EngineError::Misconfigured(mistakes));
        }
        let parts = Parts::prepare(
            &self.options,
            &self.config,
            self.registry,
            &self.schedules,
            &self.vitals,
        )
        .await?;
        let mut phases = Phases::default();
        let Stop {
            claiming,
            sweeping,
            leaving,
            give_up,
        } = phases.stop.clone();

        let committing = parts.committing(claiming.clone(), give_up);
        let (completer, Tasks { group, alone }) = Completer::new(&committing);
        phases.committing.spawn("the group commit", group);
        phases.committing.spawn("the commits of one", alone);
        let sweeper = parts.sweeper(completer.clone()).run(sweeping.clone());
        phases.sweeping.spawn("the sweeper", sweeper);
        let errand = parts.scheduler(self.schedules).run(sweeping);
        phases.sweeping.spawn("schedules and re-drives", errand);
        let notifier = parts.notifier().run(leaving.clone());
        phases.leaving.spawn("the notifier", notifier);
        let (reports, requests) = Reports::new();
        let reporter = parts.reporter(&reports, requests).run(leaving.clone());
        phases.leaving.spawn("the reporter", reporter);
        let presence = parts.presence().spawn(leaving)?;
        phases.leaving.spawn_fallible("the heartbeat", presence);

        let (channels, ways) = channels(&parts.slots);
        let complete = parts.completing(completer, &channels);
        for way in ways {
            let name = format!("the worker of {}", way.0);
            let worker = worker(&parts, way, &complete, &reports, claiming.clone());
            phases.working.spawn_fallible(&name, worker);
        }
        let listener = parts.listener().run(claiming.clone());
        phases.claiming.spawn("the listener", listener);
        let limited = parts.limited(channels.clone()).run(claiming.clone());
        phases.claiming.spawn("the claims under limits", limited);
        let dispatcher = parts.dispatcher(channels).run(claiming);
        phases.claiming.spawn_fallible("the dispatcher", dispatcher);

        let ended = phases.first_end(&stop).await;
        phases.shut_down(complete, &parts, &force_stop).await;
        match ended {
            None => Ok(()),
            Some(ended) => Err(EngineError::Ended {
                part: ended.part,
                why: ended.why,
            }),
        }
    }
}

/// The end of a way to a queue's worker.
type Way = (String, mpsc::UnboundedReceiver<Held>);

/// A channel per queue, and the other ends of their ways.
fn channels(slots: &Slots) -> (Channels, Vec<Way>) {
    let queues = slots.queues();
    let (channels, ways) = queues
        .map(|(queue, permits)| {
            let (worker, way) = mpsc::unbounded_channel();
            let channel = QueueChannel {
                queue: queue.clone(),
                slots: permits.available_permits(),
                permits: Arc::clone(permits),
                worker,
            };
            (channel, (queue.clone(), way))
        })
        .unzip();
    (Channels(channels), ways)
}

/// The apalis worker of one queue.
fn worker(
    parts: &Parts,
    (queue, way): Way,
    complete: &CompleteLayer,
    reports: &Reports,
    stop: CancellationToken,
) -> impl Future<Output = Result<(), String>> + use<> {
    // A monitor may build a worker again after a failure. Our backend has none (its error type is
    // `Infallible`), so the factory is called once.
    let backend = Mutex::new(Some(QueueBackend::new(way, complete.clone())));
    let perform = Perform {
        registry: Arc::clone(&parts.registry),
        attempts: Arc::clone(&parts.attempts),
        rehearsal: parts.config.rehearsal,
        lanes: Arc::clone(&parts.lanes),
        reports: reports.clone(),
    };
    let monitor = Monitor::new().register(move |_| {
        let backend = backend.try_lock().ok().and_then(|mut slot| slot.take());
        WorkerBuilder::new(queue.as_str())
            .backend(backend.expect("a queue's worker is built once"))
            .catch_panic()
            .parallelize(tokio::spawn)
            .build(perform.clone())
    });
    async move {
        let signal = async {
            stop.cancelled().await;
            Ok(())
        };
        let result = monitor.run_with_signal(signal).await;
        result.map_err(|error| error.to_string())
    }
}
