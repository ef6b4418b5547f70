//! Makes the parts of a running engine, each from what they share.

use std::{collections::HashMap, sync::Arc};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    announcer::{Announcements, Announcer},
    attempts::Attempts,
    committer::{Committer, Committing},
    dispatcher::{Desk, Dispatcher},
    engine::{Engine, EngineConfig, EngineError},
    fronts::Fronts,
    link::{Link, QUERY_TIMEOUT, within},
    listener::Listener,
    presence::Presence,
    registry::Registry,
    slots::Slots,
    sweeper::{Schedule, Sweeper},
};
use crate::store::{self, lanes::Lanes, presence::Who};

/// What the parts of a running engine share.
pub(super) struct Parts {
    options: PgConnectOptions,
    pub config: EngineConfig,
    pub registry: Arc<Registry>,
    pub lanes: Arc<Lanes>,
    pub pool: PgPool,
    worker_id: i64,
    who: Who,
    pub slots: Slots,
    announcements: Announcements,
    pub attempts: Arc<Attempts>,
    present: watch::Sender<bool>,
    committing: watch::Sender<bool>,
}

impl Parts {
    /// Connects and registers this worker.
    pub async fn prepare(engine: &mut Engine) -> Result<Self, EngineError> {
        let pool = PgPoolOptions::new()
            .max_connections(4)
            // Losing a connection is handled where it shows; asking first would double the queries.
            .test_before_acquire(false)
            .acquire_timeout(QUERY_TIMEOUT)
            .connect_with(for_the_engine(&engine.options))
            .await?;
        engine.keep_up(&pool);
        let registry = Arc::new(std::mem::take(&mut engine.registry));
        let who = Who {
            name: engine.config.name.clone(),
            build: engine.config.build.clone(),
            knows: registry.knows(),
        };
        let mut connection = pool.acquire().await?;
        let used = registry.lanes();
        let lanes = Lanes::enter(&mut connection, &used);
        let lanes = Arc::new(within(QUERY_TIMEOUT, lanes).await?);
        let registering = store::presence::register(&mut connection, &who);
        let worker_id = within(QUERY_TIMEOUT, registering).await?;
        for schedule in &engine.schedules {
            let entering = store::schedules::enter(&mut connection, &schedule.name, schedule.every);
            within(QUERY_TIMEOUT, entering).await?;
        }
        drop(connection);
        let mut queues: HashMap<String, usize> = engine.config.queues.iter().cloned().collect();
        for lane in &used {
            queues.entry(lane.queue.to_owned()).or_insert(1);
        }
        Ok(Self {
            options: engine.options.clone(),
            config: engine.config.clone(),
            registry,
            lanes,
            pool,
            worker_id,
            who,
            slots: Slots::new(queues),
            announcements: Announcements::default(),
            attempts: Arc::default(),
            present: watch::Sender::new(false),
            committing: watch::Sender::new(true),
        })
    }

    pub fn committer(
        &self,
        stop: CancellationToken,
    ) -> (Committer, impl Future<Output = ()> + use<>) {
        Committer::new(Committing {
            link: Link::new(for_the_engine(&self.options)),
            well: self.committing.clone(),
            worker_id: self.worker_id,
            registry: Arc::clone(&self.registry),
            lanes: Arc::clone(&self.lanes),
            slots: self.slots.clone(),
            announcements: self.announcements.clone(),
            lease: self.config.lease,
            stop,
            patience: self.config.lease,
        })
    }

    pub fn announcer(&self) -> Announcer {
        Announcer {
            link: Link::new(for_claims(&self.options)),
            announcements: self.announcements.clone(),
        }
    }

    pub fn presence(&self) -> Presence {
        Presence {
            link: Link::new(for_the_engine(&self.options)),
            worker_id: self.worker_id,
            who: self.who.clone(),
            announced: false,
            lease: self.config.lease,
            attempts: Arc::clone(&self.attempts),
            present: self.present.clone(),
        }
    }

    pub fn sweeper(&self, schedules: Vec<Schedule>) -> Sweeper {
        Sweeper {
            pool: self.pool.clone(),
            worker_id: self.worker_id,
            registry: Arc::clone(&self.registry),
            lanes: Arc::clone(&self.lanes),
            schedules,
            slots: self.slots.clone(),
            interval: self.config.sweep,
            lease: self.config.lease,
        }
    }

    pub fn listener(&self) -> Listener {
        Listener {
            pool: self.pool.clone(),
            slots: self.slots.clone(),
            attempts: Arc::clone(&self.attempts),
        }
    }

    pub fn dispatcher(&self, desks: Vec<Desk>) -> Dispatcher {
        Dispatcher {
            link: Link::new(for_claims(&self.options)),
            desks,
            lanes: Arc::clone(&self.lanes),
            steps: self.registry.steps_in(&self.lanes),
            served: HashMap::new(),
            turns: HashMap::new(),
            fronts: Fronts::default(),
            worker_id: self.worker_id,
            lease: self.config.lease,
            poll: self.config.poll,
            slots: self.slots.clone(),
            attempts: Arc::clone(&self.attempts),
            present: self.present.subscribe(),
            committing: self.committing.subscribe(),
        }
    }
}

/// Every internal statement has a limit on the server's side too. All of them find their rows by
/// index; what the planner knows of tables that fill and empty within seconds is always out of date,
/// and must not tempt it into reading them whole.
fn for_the_engine(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().application_name("workflows").options([
        ("statement_timeout", "15s"),
        ("enable_seqscan", "off"),
        ("enable_bitmapscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        // Short statements; and what is "off" above has a price that would call for it.
        ("jit", "off"),
    ])
}

/// Claims need no durable commit, and one plan fits all.
fn for_claims(options: &PgConnectOptions) -> PgConnectOptions {
    for_the_engine(options).options([
        ("synchronous_commit", "off"),
        ("plan_cache_mode", "force_generic_plan"),
    ])
}
