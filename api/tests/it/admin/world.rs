//! A service with a workflow of two steps, of which the second dies as long as it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use media::api_keys::Scope;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workflows::{Attempt, Done, Engine, EngineConfig, NextOnError as _, Step, StepError, Workflow};

use crate::service::Service;

pub struct World {
    pub service: Service,
    /// A key with the scope `admin`.
    pub key: String,
    pub broken: Arc<AtomicBool>,
    prepared: Arc<AtomicUsize>,
    delivered: Arc<AtomicUsize>,
    workflow: Workflow<String>,
    stop: CancellationToken,
}

struct Prepare;

impl Step for Prepare {
    const NAME: &'static str = "prepare";
    type Context = Parcels;
    type Input = String;
    type Output = String;

    async fn run(cx: &Attempt<Parcels>, what: String) -> Result<Done<String>, StepError> {
        cx.context.prepared.fetch_add(1, Ordering::SeqCst);
        Ok(Done::new(what))
    }
}

struct Deliver;

/// What the steps tell the test, and it them.
#[derive(Clone, Default)]
struct Parcels {
    broken: Arc<AtomicBool>,
    prepared: Arc<AtomicUsize>,
    delivered: Arc<AtomicUsize>,
}

impl Step for Deliver {
    const NAME: &'static str = "deliver";
    const QUEUE: &'static str = "vans";
    type Context = Parcels;
    type Input = String;
    type Output = ();

    async fn run(cx: &Attempt<Parcels>, what: String) -> Result<Done<()>, StepError> {
        if cx.context.broken.load(Ordering::SeqCst) {
            return Err(format!("no van for {what}")).or_fail();
        }
        cx.context.delivered.fetch_add(1, Ordering::SeqCst);
        Ok(Done::new(()))
    }
}

impl World {
    /// With workers at work.
    pub async fn new() -> Self {
        let world = Self::without_workers().await;
        let config = EngineConfig {
            sweep: Duration::from_millis(100),
            ..EngineConfig::default()
        };
        let engine = Engine::new(&world.service.pool, config).register(&world.workflow);
        tokio::spawn(engine.run(world.stop.clone(), world.stop.clone()));
        world
    }

    pub async fn without_workers() -> Self {
        let service = Service::start().await;
        let key = service.key("operators", &[Scope::Admin]).await;
        let parcels = Parcels::default();
        parcels.broken.store(true, Ordering::SeqCst);
        let workflow = Workflow::named("parcel", 3)
            .step::<Prepare>()
            .step::<Deliver>()
            .build()
            .with_context(parcels.clone());
        let Parcels {
            broken,
            prepared,
            delivered,
        } = parcels;
        Self {
            service,
            key,
            broken,
            prepared,
            delivered,
            workflow,
            stop: CancellationToken::new(),
        }
    }

    /// Starts a run.
    pub async fn start(&self, owner: &str) -> Uuid {
        let mut tx = self.service.pool.begin().await.unwrap();
        let (starter, subject) = (self.workflow.starter(), Uuid::now_v7());
        let what = "a parcel".to_owned();
        let run = starter.start(&mut tx, subject, owner, &what);
        let run_id = run.await.unwrap().0;
        tx.commit().await.unwrap();
        run_id
    }

    /// Starts runs that die, one after the other.
    pub async fn dead(&self, owners: &[&str]) -> Vec<Uuid> {
        let mut runs = Vec::new();
        for owner in owners {
            let run_id = self.start(owner).await;
            self.reaches(run_id, "dead").await;
            runs.push(run_id);
        }
        runs
    }

    /// How often each step did its work.
    pub fn worked(&self) -> (usize, usize) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        (count(&self.prepared), count(&self.delivered))
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        let path = format!("/v1/admin{path}");
        self.service.get(&path, &self.key).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let path = format!("/v1/admin{path}");
        self.service.post(&path, &self.key, body).await
    }

    /// Does something with a reason.
    pub async fn act(&self, path: &str) -> (StatusCode, Value) {
        self.post(path, &json!({ "reason": "a test" })).await
    }

    /// The dead letters that a query finds.
    pub async fn letters(&self, query: &str) -> Vec<Value> {
        let (status, page) = self.get(&format!("/dead-letters{query}")).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        page["items"].as_array().unwrap().clone()
    }

    pub async fn explain(&self, run_id: Uuid) -> Value {
        let (status, explanation) = self.get(&format!("/runs/{run_id}")).await;
        assert_eq!(status, StatusCode::OK, "{explanation}");
        explanation
    }

    pub async fn reaches(&self, run_id: Uuid, state: &str) {
        self.until(state, async || {
            self.explain(run_id).await["run"]["state"] == state
        })
        .await;
    }

    pub async fn until(&self, what: &str, mut look: impl AsyncFnMut() -> bool) {
        for _ in 0..600 {
            if look().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("waited too long for: {what}");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Status and code of an error.
pub fn problem((status, body): &(StatusCode, Value)) -> (u16, &str) {
    (status.as_u16(), body["code"].as_str().unwrap_or_default())
}
