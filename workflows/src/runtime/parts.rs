//! Makes the parts of a running engine, each from what they share.

use std::sync::Arc;

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::Notify;

use super::{
    attempts::Attempts,
    committer::Committer,
    dispatcher::{Dispatcher, Lane},
    engine::{Engine, EngineConfig, EngineError},
    link::{Link, QUERY_TIMEOUT, within},
    presence::Presence,
    registry::Registry,
    sweeper::Sweeper,
};
use crate::store;

/// What the parts of a running engine share.
pub(super) struct Parts {
    options: PgConnectOptions,
    pub config: EngineConfig,
    pub registry: Arc<Registry>,
    pub pool: PgPool,
    worker_id: i64,
    pub ready: Arc<Notify>,
    pub attempts: Arc<Attempts>,
}

impl Parts {
    /// Connects and registers this worker.
    pub async fn prepare(engine: Engine) -> Result<Self, EngineError> {
        let Engine {
            options,
            config,
            registry,
        } = engine;
        let pool = PgPoolOptions::new()
            .max_connections(4)
            // Losing a connection is handled where it shows; asking first would double the queries.
            .test_before_acquire(false)
            .acquire_timeout(QUERY_TIMEOUT)
            .connect_with(with_timeout(&options))
            .await?;
        let mut connection = pool.acquire().await?;
        let registering = store::presence::register(&mut connection, &config.name, &config.build);
        let worker_id = within(QUERY_TIMEOUT, registering).await?;
        drop(connection);
        Ok(Self {
            options,
            config,
            registry: Arc::new(registry),
            pool,
            worker_id,
            ready: Arc::default(),
            attempts: Arc::default(),
        })
    }

    pub fn committer(&self) -> (Committer, impl Future<Output = ()> + use<>) {
        Committer::new(
            self.pool.clone(),
            self.worker_id,
            Arc::clone(&self.registry),
            Arc::clone(&self.ready),
            self.config.lease,
        )
    }

    pub fn presence(&self) -> Presence {
        Presence {
            link: Link::new(with_timeout(&self.options)),
            worker_id: self.worker_id,
            name: self.config.name.clone(),
            build: self.config.build.clone(),
            announced: false,
            lease: self.config.lease,
            attempts: Arc::clone(&self.attempts),
        }
    }

    pub fn sweeper(&self) -> Sweeper {
        Sweeper {
            pool: self.pool.clone(),
            worker_id: self.worker_id,
            registry: Arc::clone(&self.registry),
            ready: Arc::clone(&self.ready),
            interval: self.config.sweep,
        }
    }

    pub fn dispatcher(&self, lanes: Vec<Lane>) -> Dispatcher {
        Dispatcher {
            link: Link::new(for_claims(&self.options)),
            lanes,
            known: self.registry.known(),
            worker_id: self.worker_id,
            lease: self.config.lease,
            poll: self.config.poll,
            ready: Arc::clone(&self.ready),
            attempts: Arc::clone(&self.attempts),
        }
    }
}

/// Every internal statement has a limit on the server's side too.
fn with_timeout(options: &PgConnectOptions) -> PgConnectOptions {
    options
        .clone()
        .application_name("workflows")
        .options([("statement_timeout", "15s")])
}

/// Claims need no durable commit, and their plan must see the real limits.
fn for_claims(options: &PgConnectOptions) -> PgConnectOptions {
    with_timeout(options).options([
        ("synchronous_commit", "off"),
        ("plan_cache_mode", "force_custom_plan"),
    ])
}
