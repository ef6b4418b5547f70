//! Makes the parts of a running engine, each from what they share.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use sqlx::postgres::PgConnectOptions;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::define::ids::WorkerId;
use crate::{
    define::{
        detail::Detail,
        reports::{Reports, Request},
    },
    engine::{config::EngineConfig, error::EngineError, health::Vitals, register},
    maintenance::{
        absences::Absences,
        bulk_redrive::pace::Batch,
        scheduler::{DueWork, Schedule, Scheduler},
        sweeper::Sweeper,
    },
    store::{
        connection::{Link, jittered},
        lanes::Lanes,
        presence::Who,
        session::Session,
    },
    worker::{
        breakers::Breakers,
        channels::{Channels, Readiness},
        complete::CompleteLayer,
        completer::{Committing, Completer},
        demand::Demands,
        dispatcher::Dispatcher,
        heartbeat::Heartbeat,
        in_flight::InFlight,
        limited::LimitedClaims,
        limits::Limits,
        listener::Listener,
        notifier::{Notifications, Notifier},
        registry::Registry,
        reporter::{self, Reporter},
        slots::Slots,
    },
};

/// Attempts to register at the start, when the connection breaks or the server cannot take it just now.
const TRIES: u32 = 5;

/// What the parts of a running engine share.
pub(crate) struct Parts {
    options: PgConnectOptions,
    pub config: EngineConfig,
    pub registry: Arc<Registry>,
    pub lanes: Arc<Lanes>,
    worker_id: WorkerId,
    who: Who,
    pub slots: Slots,
    notifications: Notifications,
    pub attempts: Arc<InFlight>,
    vitals: Vitals,
    /// A lease may exist that this process does not know of, because the answer to a claim was lost.
    pub astray: Arc<AtomicBool>,
    breakers: Breakers,
    pub limits: Limits,
    due_work: watch::Sender<DueWork>,
}

impl Parts {
    /// Connects, proves what the engine relies on, and registers this worker.
    pub async fn prepare(
        options: &PgConnectOptions,
        config: &EngineConfig,
        registry: Registry,
        schedules: &[Schedule],
        vitals: &Vitals,
    ) -> Result<Self, EngineError> {
        let session = Session::of(options, "start", config.lease);
        let registry = Arc::new(registry);
        let (used, shapes) = registry.lanes();
        let mut queues: HashMap<String, usize> = config.queues.iter().cloned().collect();
        for lane in &used {
            queues.entry(lane.queue.to_owned()).or_insert(1);
        }
        let events: Vec<Detail> = used.iter().map(|lane| registry.events(lane)).collect();
        let who = Who {
            name: config.name.clone(),
            build: config.build.clone(),
            capabilities: registry.knows(|queue| queues.get(queue).copied().unwrap_or_default()),
        };
        let mut tries = 0;
        let (lanes, worker_id) = loop {
            tries += 1;
            match register::enter(&session, (&used, &shapes, &events), &who, schedules).await {
                Err(EngineError::Database(error))
                    if tries < TRIES && register::breaks_off(&error) =>
                {
                    tracing::warn!(error = %error, "the start was broken off, trying again");
                    tokio::time::sleep(jittered(Duration::from_millis(400))).await;
                }
                entered => break entered?,
            }
        };
        Ok(Self {
            options: options.clone(),
            config: config.clone(),
            registry,
            lanes,
            worker_id,
            who,
            slots: Slots::new(queues),
            notifications: Notifications::default(),
            attempts: Arc::default(),
            vitals: vitals.clone(),
            astray: Arc::default(),
            breakers: Breakers::default(),
            limits: Limits::default(),
            due_work: watch::Sender::default(),
        })
    }

    /// A session that shows this worker's presence.
    fn session(&self, part: &str) -> Session {
        Session::of(&self.options, part, self.config.lease).of_worker(self.worker_id)
    }

    pub fn committing(&self, stop: CancellationToken, give_up: CancellationToken) -> Committing {
        Committing {
            session: self.session("committer"),
            well: self.vitals.committing.clone(),
            worker_id: self.worker_id,
            registry: Arc::clone(&self.registry),
            lanes: Arc::clone(&self.lanes),
            slots: self.slots.clone(),
            notifications: self.notifications.clone(),
            breakers: self.breakers.clone(),
            lease: self.config.lease,
            stop,
            give_up,
        }
    }

    pub fn completing(&self, completer: Completer, channels: &Channels) -> CompleteLayer {
        let ways = channels
            .0
            .iter()
            .map(|channel| (channel.queue.clone(), channel.worker.downgrade()));
        CompleteLayer {
            registry: Arc::clone(&self.registry),
            attempts: Arc::clone(&self.attempts),
            completer,
            slots: self.slots.clone(),
            limits: self.limits.clone(),
            astray: Arc::clone(&self.astray),
            channels: Arc::new(ways.collect()),
        }
    }

    pub fn notifier(&self) -> Notifier {
        Notifier {
            link: Link::new(self.session("notifier").for_claims()),
            notifications: self.notifications.clone(),
        }
    }

    pub fn reporter(&self, reports: &Reports, requests: mpsc::Receiver<Request>) -> Reporter {
        Reporter {
            link: Link::new(self.session("reporter").patient(reporter::STATEMENT)),
            attempts: Arc::clone(&self.attempts),
            latest: reports.latest(),
            requests,
            touched: HashSet::new(),
            swept: false,
        }
    }

    pub fn presence(&self) -> Heartbeat {
        Heartbeat {
            link: Link::new(self.session("presence")),
            worker_id: self.worker_id,
            who: self.who.clone(),
            lease: self.config.lease,
            attempts: Arc::clone(&self.attempts),
            present: self.vitals.present.clone(),
        }
    }

    pub fn sweeper(&self, completer: Completer) -> Sweeper {
        Sweeper {
            link: Link::new(self.session("sweeper")),
            worker_id: self.worker_id,
            registry: Arc::clone(&self.registry),
            lanes: Arc::clone(&self.lanes),
            slots: self.slots.clone(),
            notifications: self.notifications.clone(),
            completer,
            breakers: self.breakers.clone(),
            limits: self.limits.clone(),
            due_work: self.due_work.clone(),
            interval: self.config.sweep,
            lease: self.config.lease,
            memory: Absences::default(),
        }
    }

    pub fn scheduler(&self, schedules: Vec<Schedule>) -> Scheduler {
        Scheduler {
            link: Link::new(self.session("scheduler").patient(Duration::from_secs(15))),
            schedules: Arc::new(schedules),
            hooks: self.registry.hooks(),
            slots: self.slots.clone(),
            notifications: self.notifications.clone(),
            breakers: self.breakers.clone(),
            needs: self.registry.all_needs(),
            found: self.due_work.subscribe(),
            batch: Batch::default(),
        }
    }

    pub fn listener(&self) -> Listener {
        Listener {
            session: self.session("listener"),
            lanes: Arc::clone(&self.lanes),
            slots: self.slots.clone(),
            attempts: Arc::clone(&self.attempts),
        }
    }

    fn readiness(&self) -> Readiness {
        Readiness {
            present: self.vitals.present.subscribe(),
            committing: self.vitals.committing.subscribe(),
        }
    }

    pub fn dispatcher(&self, channels: Channels) -> Dispatcher {
        Dispatcher {
            link: Link::new(self.session("claims").for_claims()),
            channels,
            lanes: Arc::clone(&self.lanes),
            demands: Demands::new(&self.lanes, &self.registry, self.breakers.clone()),
            worker_id: self.worker_id,
            lease: self.config.lease,
            poll: self.config.poll,
            slots: self.slots.clone(),
            attempts: Arc::clone(&self.attempts),
            readiness: self.readiness(),
            astray: Arc::clone(&self.astray),
            limits: self.limits.clone(),
        }
    }

    pub fn limited(&self, channels: Channels) -> LimitedClaims {
        LimitedClaims {
            link: Link::new(self.session("claims under limits").for_claims()),
            channels,
            lanes: Arc::clone(&self.lanes),
            demands: Demands::new(&self.lanes, &self.registry, self.breakers.clone()),
            worker_id: self.worker_id,
            lease: self.config.lease,
            poll: self.config.poll,
            slots: self.slots.clone(),
            limits: self.limits.clone(),
            attempts: Arc::clone(&self.attempts),
            readiness: self.readiness(),
            astray: Arc::clone(&self.astray),
        }
    }
}
