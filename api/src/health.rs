//! `GET /v1/health`: the process answers, and what it needs answers too.

use std::time::Duration;

use media::keys;
use media::storage::Bucket;
use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi, Tags};
use sqlx::Connection as _;
use tokio::time::timeout;

use crate::ApiState;
use crate::body::JsonBody;
use crate::problem::{Problem, Refused, Statuses};

/// How long the database and the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The operation on the service itself.
#[derive(Debug, Clone, Copy)]
pub struct HealthApi;

#[derive(Tags)]
pub enum Tag {
    /// The service itself.
    Service,
}

/// Everything works.
#[derive(Debug, Object)]
struct Health {
    /// Always `ok`: anything else is a problem.
    status: String,
    /// The version that answers.
    version: String,
}

#[derive(ApiResponse)]
enum Answer {
    /// The database and the object store answer.
    #[oai(status = 200)]
    Ok(JsonBody<Health>),
}

struct HealthErrors;
impl Statuses for HealthErrors {
    const STATUSES: &'static [u16] = &[405, 503];
}

#[OpenApi(prefix_path = "/v1/health", tag = "Tag::Service")]
impl HealthApi {
    /// Check health
    ///
    /// An answer of any kind means the process is alive; 200 means it can work. Needs no API key.
    #[oai(path = "/", method = "get", operation_id = "getHealth")]
    async fn get(&self, state: Data<&ApiState>) -> Result<Answer, Refused<HealthErrors>> {
        let (database, storage) = tokio::join!(database(&state), storage(&state));
        database?;
        storage?;
        let version = env!("CARGO_PKG_VERSION").into();
        Ok(Answer::Ok(JsonBody(Health {
            status: "ok".into(),
            version,
        })))
    }
}

async fn database(state: &ApiState) -> Result<(), Problem> {
    let ping = async { media::pool::borrow(&state.pool).await?.ping().await };
    match timeout(PATIENCE, ping).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Problem::unavailable(error).detail("the database does not answer")),
        Err(late) => Err(Problem::unavailable(late).detail("the database does not answer")),
    }
}

async fn storage(state: &ApiState) -> Result<(), Problem> {
    let key = keys::health_probe();
    // Whether the object is there does not matter.
    match timeout(PATIENCE, state.store.head(Bucket::Origin, &key)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            Err(Problem::unavailable(error).detail("the object store does not answer"))
        }
        Err(late) => Err(Problem::unavailable(late).detail("the object store does not answer")),
    }
}
