//! `/v1/livez`, `/v1/readyz` and `/v1/health`: the process answers, and what it needs answers too.
//!
//! Alive and ready are two questions. A process that is not alive is to be started again; one that is not ready is only
//! to be left alone for a while, because starting it again would not bring its database back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use media::keys;
use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi, Tags};
use storage::Bucket;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use workflows::admin::workers;

use crate::ApiState;
use crate::contract::Count;
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused, Statuses};

/// How long the database and the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long the store is believed to take writes because it took one. Anybody may ask, and each write costs.
const BELIEVED: Duration = Duration::from_secs(10);

/// The operations on the service itself.
#[derive(Debug, Clone, Copy)]
pub struct HealthApi;

/// Under which heading the reference shows these operations.
#[derive(Tags)]
pub enum Tag {
    /// The service itself.
    Service,
}

/// The process is alive.
#[derive(Debug, Object)]
struct Alive {
    /// Always `ok`.
    status: String,
    /// The version that answers.
    version: String,
}

/// The answer where everything that is checked works.
#[derive(Debug, Object)]
#[oai(rename = "Health")]
struct Ready {
    /// Always `ok`: anything else is a problem.
    status: String,
    /// The version that answers.
    version: String,
    /// What the database was migrated to.
    schema: Schema,
    /// Workers that are alive. Without any, uploads are taken and wait.
    workers_alive: Count,
}

/// Versions of the newest migrations.
#[derive(Debug, Object)]
#[oai(rename = "SchemaVersions")]
struct Schema {
    /// Of files and uploads.
    media: Count,
    /// Of the workflow engine.
    workflows: Count,
}

#[derive(ApiResponse)]
enum Lives {
    /// It does.
    #[oai(status = 200)]
    Ok(JsonBody<Alive>),
}

#[derive(ApiResponse)]
enum Answer {
    /// The database answers and the object store takes writes.
    #[oai(status = 200)]
    Ok(JsonBody<Ready>),
}

struct LivenessErrors;
impl Statuses for LivenessErrors {
    const STATUSES: &'static [u16] = &[405];
}

struct ReadinessErrors;
impl Statuses for ReadinessErrors {
    const STATUSES: &'static [u16] = &[405, 503];
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Service")]
impl HealthApi {
    /// Check liveness
    ///
    /// Answers as long as the process can answer at all: restart it when it does not. Needs no API key.
    #[oai(path = "/livez", method = "get", operation_id = "getLiveness")]
    #[expect(clippy::unused_async, reason = "the framework wants it")]
    async fn live(&self) -> Result<Lives, Refused<LivenessErrors>> {
        Ok(Lives::Ok(JsonBody(Alive {
            status: "ok".into(),
            version: env!("CARGO_PKG_VERSION").into(),
        })))
    }

    /// Check readiness
    ///
    /// 200 means that requests can be served: the database has this build's schema, and the object store takes writes.
    /// Send none while it is anything else. Needs no API key.
    #[oai(path = "/readyz", method = "get", operation_id = "getReadiness")]
    async fn ready(
        &self,
        state: Data<&ApiState>,
        store: Data<&Store>,
    ) -> Result<Answer, Refused<ReadinessErrors>> {
        Ok(Answer::Ok(JsonBody(ready(&state, &store).await?)))
    }

    /// Check health
    ///
    /// The same as readiness, under its older name. Needs no API key.
    #[oai(path = "/health", method = "get", operation_id = "getHealth")]
    async fn get(
        &self,
        state: Data<&ApiState>,
        store: Data<&Store>,
    ) -> Result<Answer, Refused<ReadinessErrors>> {
        Ok(Answer::Ok(JsonBody(ready(&state, &store).await?)))
    }
}

async fn ready(state: &ApiState, store: &Store) -> Result<Ready, Problem> {
    let (database, store) = tokio::join!(database(state), store.takes_writes(state));
    let (schema, workers_alive) = database?;
    store?;
    Ok(Ready {
        status: "ok".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        schema,
        workers_alive: workers_alive.into(),
    })
}

async fn database(state: &ApiState) -> Result<(Schema, u64), Problem> {
    let ask = async {
        let mut connection = media::pool::borrow(&state.pool).await?;
        let schema = Schema {
            media: media::schema_version(&mut connection).await?.into(),
            workflows: workflows::schema_version(&mut connection).await?.into(),
        };
        drop(connection);
        Ok::<_, Problem>((schema, workers::count_alive(&state.pool).await?))
    };
    let silent = |problem: Problem| problem.detail("the database does not answer");
    match timeout(PATIENCE, ask).await {
        Ok(answer) => answer.map_err(|problem| silent(Problem::unavailable(problem))),
        Err(late) => Err(silent(Problem::unavailable(late))),
    }
}

/// What is known of the object store. Those who ask at once share one look.
#[derive(Debug, Clone, Default)]
pub struct Store {
    wrote: Arc<Mutex<Option<Instant>>>,
}

impl Store {
    /// Writes an object, which a full or read-only store refuses while it still answers questions.
    async fn takes_writes(&self, state: &ApiState) -> Result<(), Problem> {
        let mut wrote = self.wrote.lock().await;
        if wrote.is_some_and(|at| at.elapsed() < BELIEVED) {
            return Ok(());
        }
        *wrote = None;
        let (key, body) = (keys::health_probe(), Bytes::from_static(b"ok"));
        let put = state
            .store
            .put_bytes(Bucket::Staging, &key, body, "text/plain", None);
        let detail = "the object store does not take writes";
        match timeout(PATIENCE, put).await {
            Ok(Ok(_)) => {
                *wrote = Some(Instant::now());
                Ok(())
            }
            Ok(Err(error)) => Err(Problem::unavailable(error).detail(detail)),
            Err(late) => Err(Problem::unavailable(late).detail(detail)),
        }
    }
}
