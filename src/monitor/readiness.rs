//! Whether a process can do its work, and what it knows of what it needs.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use scanner::{ClamdClient, Version};
use serde::Serialize;
use sqlx::PgPool;
use storage::{Bucket, ObjectStore};
use tokio::time::timeout;
use workflows::Health;

/// How long the database and the scanner may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a process needs. It is not ready before it has said that its start is over.
#[derive(Clone)]
pub struct Readiness {
    pool: PgPool,
    started: Arc<OnceLock<Started>>,
}

/// What a process has when its start is over.
#[derive(Default)]
pub struct Started {
    /// The engine, in a worker.
    pub engine: Option<Health>,
    /// The scanner, in a worker.
    pub scanner: Option<ClamdClient>,
    /// The object store.
    pub store: Option<ObjectStore>,
}

/// The answer of `/readyz`.
#[derive(Serialize)]
pub struct Report {
    /// `ready`, `starting` or `not ready`.
    status: &'static str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<Schema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scanner: Option<Scanner>,
    /// Why not, in sentences.
    problems: Vec<String>,
}

/// Versions of the newest migrations.
#[derive(Serialize)]
struct Schema {
    media: i64,
    workflows: i64,
}

/// The scanner does not decide about readiness: while it is down its tasks wait, and all others go on.
#[derive(Serialize)]
#[serde(untagged)]
enum Scanner {
    Up(Version),
    Down { error: String },
}

impl Report {
    pub fn is_ready(&self) -> bool {
        self.status == "ready"
    }
}

impl Readiness {
    pub fn starting(pool: &PgPool) -> Self {
        Self {
            pool: pool.clone(),
            started: Arc::default(),
        }
    }

    /// The start is over.
    pub fn started(&self, started: Started) {
        let _ = self.started.set(started);
    }

    pub async fn report(&self) -> Report {
        let mut problems = Vec::new();
        let started = self.started.get();
        let (schema, scanner, store) = tokio::join!(
            timeout(PATIENCE, self.schema()),
            scanner(started.and_then(|started| started.scanner.as_ref())),
            store(started.and_then(|started| started.store.as_ref())),
        );
        let schema = match schema {
            Ok(Ok(schema)) => Some(schema),
            Ok(Err(error)) => {
                problems.push(format!("the database cannot be asked: {error}"));
                None
            }
            Err(_) => {
                problems.push("the database does not answer".to_owned());
                None
            }
        };
        problems.extend(store);
        let engine = started.and_then(|started| started.engine.as_ref());
        if engine.is_some_and(|engine| !engine.is_ready()) {
            problems
                .push("the engine claims nothing: it has no contact with the database".to_owned());
        }
        let status = match (started, problems.is_empty()) {
            (None, _) => "starting",
            (Some(_), true) => "ready",
            (Some(_), false) => "not ready",
        };
        Report {
            status,
            version: env!("CARGO_PKG_VERSION"),
            schema,
            scanner,
            problems,
        }
    }

    async fn schema(&self) -> Result<Schema, sqlx::Error> {
        let mut connection = media::pool::borrow(&self.pool).await?;
        Ok(Schema {
            media: media::schema_version(&mut connection).await?,
            workflows: workflows::schema_version(&mut connection).await?,
        })
    }
}

async fn scanner(client: Option<&ClamdClient>) -> Option<Scanner> {
    let down = |error: String| Some(Scanner::Down { error });
    match timeout(PATIENCE, client?.version()).await {
        Ok(Ok(version)) => Some(Scanner::Up(version)),
        Ok(Err(error)) => down(error.to_string()),
        Err(_) => down("it does not answer".to_owned()),
    }
}

/// What is wrong with the store: nobody can send without it, and no task can be done.
async fn store(store: Option<&ObjectStore>) -> Option<String> {
    let store = store?;
    for bucket in [Bucket::Staging, Bucket::Origin] {
        match timeout(PATIENCE, store.bucket_answers(bucket)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Some(format!("the object store cannot be used: {error}")),
            Err(_) => return Some("the object store does not answer".to_owned()),
        }
    }
    None
}
