//! A database, an engine, and a table in which every effect of a step leaves a row.

use std::time::Duration;

use devkit::{TestCluster, TestDatabase};
use serde_json::Value;
use sqlx::{PgConnection, PgPool, Row};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workflows::{
    Attempt, Backoff, BoxError, Done, Engine, EngineConfig, Hints, Record, RunId, Starter,
    StepSettings, Workflow,
    admin::{
        Actor, Paging,
        dead_letters::{self, DeadLetter, LetterFilter},
        explain::{self, Answer},
    },
};

pub struct World {
    pub pool: PgPool,
    pub hints: Hints,
    database: TestDatabase,
}

impl World {
    pub async fn new() -> Self {
        let cluster = TestCluster::shared().await.expect("a Postgres for tests");
        let database = cluster
            .database("engine", |url| async move {
                let pool = PgPool::connect(&url).await?;
                workflows::migrate(&pool).await?;
                let effects =
                    "CREATE TABLE effects (subject uuid, what text, UNIQUE (subject, what))";
                sqlx::query(effects).execute(&pool).await?;
                pool.close().await;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            })
            .await
            .expect("a database for this test");
        let pool = PgPool::connect(database.url()).await.expect("a pool");
        let hints = Hints::new(&pool);
        Self {
            pool,
            hints,
            database,
        }
    }

    pub fn engine<I>(&self, workflow: &Workflow<I>) -> Running {
        self.engine_with(workflow, config())
    }

    pub fn engine_with<I>(&self, workflow: &Workflow<I>, config: EngineConfig) -> Running {
        Self::run(Engine::new(&self.pool, config).register(workflow))
    }

    pub fn run(engine: Engine) -> Running {
        let (stop, hasten) = (CancellationToken::new(), CancellationToken::new());
        let task = tokio::spawn(engine.run(stop.clone(), hasten.clone()));
        Running { stop, hasten, task }
    }

    pub fn url(&self) -> &str {
        self.database.url()
    }

    /// Starts a run in a transaction of its own and returns its subject.
    pub async fn start<I: serde::Serialize + Sync>(
        &self,
        workflow: &Workflow<I>,
        input: &I,
    ) -> Uuid {
        self.start_for("owner", &workflow.starter(), input).await
    }

    pub async fn start_for<I: serde::Serialize + Sync>(
        &self,
        owner: &str,
        starter: &Starter<I>,
        input: &I,
    ) -> Uuid {
        let subject = Uuid::now_v7();
        let mut tx = self.pool.begin().await.expect("a transaction");
        let starter = starter.clone().hinting(&self.hints);
        let started = starter.start(&mut tx, subject, owner, input).await;
        started.expect("a run");
        tx.commit().await.expect("a commit");
        subject
    }

    /// The run about `subject`.
    pub async fn run_of(&self, subject: Uuid) -> RunId {
        let run = workflows::inspect::latest_run(&self.pool, subject).await;
        run.expect("an answer").expect("a run").run_id
    }

    /// The only open letter.
    pub async fn letter(&self) -> DeadLetter {
        let filter = LetterFilter::default();
        let page = dead_letters::list(&self.pool, &filter, false, Paging::default()).await;
        let mut letters = page.expect("letters").items;
        assert_eq!(letters.len(), 1, "one open letter");
        letters.remove(0)
    }

    /// Why the run about `subject` is not running.
    pub async fn answer(&self, subject: Uuid) -> Answer {
        let run = self.run_of(subject).await;
        let explanation = explain::explain(&self.pool, run.0).await;
        explanation.expect("an explanation").answer
    }

    /// Waits until the newest run about `subject` is in `state`, and fails when that takes long.
    pub async fn reaches(&self, subject: Uuid, state: &str) {
        self.until(&format!("run to be {state}"), async || {
            let run = workflows::inspect::latest_run(&self.pool, subject)
                .await
                .ok()??;
            (run.state.as_str() == state).then_some(())
        })
        .await;
    }

    pub async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        for _ in 0..600 {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("waited too long for {what}; {}", self.state().await)
    }

    pub async fn state(&self) -> String {
        let sql = "SELECT (SELECT json_agg(r) FROM workflows.runs r)::text
                || (SELECT coalesce(json_agg(t), '[]') FROM workflows.tasks t)::text
                || (SELECT coalesce(json_agg(l), '[]') FROM workflows.leases l)::text";
        sqlx::query_scalar(sql)
            .fetch_one(&self.pool)
            .await
            .unwrap_or_default()
    }

    pub async fn count(&self, table: &'static str) -> i64 {
        let sql = match table {
            "suspects" => "SELECT count(*) FROM workflows.suspects",
            "ready" => "SELECT count(*) FROM workflows.ready",
            "tasks" => "SELECT count(*) FROM workflows.tasks",
            "leases" => "SELECT count(*) FROM workflows.leases",
            "deferred" => "SELECT count(*) FROM workflows.deferred",
            "fan_outs" => "SELECT count(*) FROM workflows.fan_outs",
            "runs" => "SELECT count(*) FROM workflows.runs",
            "breakers" => "SELECT count(*) FROM workflows.breakers",
            other => panic!("not a table of the engine: {other}"),
        };
        sqlx::query_scalar(sql)
            .fetch_one(&self.pool)
            .await
            .expect("a count")
    }

    /// Nothing is left to do anywhere.
    pub async fn assert_idle(&self) {
        for table in [
            "ready", "suspects", "tasks", "leases", "deferred", "fan_outs",
        ] {
            assert_eq!(self.count(table).await, 0, "rows left in {table}");
        }
    }

    pub async fn effects(&self, subject: Uuid) -> Vec<String> {
        let sql = "SELECT what FROM effects WHERE subject = $1 ORDER BY what";
        sqlx::query_scalar(sql)
            .bind(subject)
            .fetch_all(&self.pool)
            .await
            .expect("effects")
    }

    /// The run's result as stored.
    pub async fn result(&self, subject: Uuid) -> Value {
        let sql = "SELECT result FROM workflows.runs WHERE subject = $1";
        sqlx::query(sql)
            .bind(subject)
            .fetch_one(&self.pool)
            .await
            .expect("a run")
            .get(0)
    }
}

/// An engine at work. Dropped, it is cut off as if the process had gone.
pub struct Running {
    pub stop: CancellationToken,
    pub hasten: CancellationToken,
    task: JoinHandle<Result<(), workflows::EngineError>>,
}

impl Running {
    pub fn is_running(&self) -> bool {
        !self.task.is_finished()
    }

    pub async fn stop(mut self) {
        self.stop.cancel();
        let task = &mut self.task;
        let ended = tokio::time::timeout(Duration::from_secs(30), task).await;
        ended
            .expect("the engine stops in time")
            .expect("no panic")
            .expect("a clean end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        self.hasten.cancel();
        self.task.abort();
    }
}

/// A result whose effect row makes a second commit of the same step impossible to miss: it would
/// violate the table's unique constraint.
pub fn leaving<O, C>(cx: &Attempt<C>, what: impl Into<String>, output: O) -> Done<O> {
    let (subject, what) = (cx.subject, what.into());
    Done::new(output).recording(Effect { subject, what })
}

struct Effect {
    subject: Uuid,
    what: String,
}

impl Record for Effect {
    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        let sql = "INSERT INTO effects VALUES ($1, $2)";
        let insert = sqlx::query(sql).bind(self.subject).bind(&self.what);
        insert.execute(tx).await?;
        Ok(())
    }
}

/// An engine that looks often, so that tests need not wait.
pub fn config() -> EngineConfig {
    EngineConfig {
        queues: vec![("default".to_owned(), 32)],
        sweep: Duration::from_millis(200),
        ..EngineConfig::default()
    }
}

/// As many slots, and no more.
pub fn slots(slots: usize) -> EngineConfig {
    EngineConfig {
        queues: vec![("default".to_owned(), slots)],
        ..config()
    }
}

/// Who acts in the tests, and why.
pub const BY: Actor<'static> = Actor::new("tester", "to see what happens");

/// Retries quickly, `attempts` times in all.
pub fn quick(attempts: u32) -> StepSettings {
    let first = Duration::from_millis(20);
    StepSettings {
        backoff: Backoff {
            first,
            cap: first,
            attempts,
            ..Backoff::default()
        },
        ..StepSettings::default()
    }
}

/// Declares a step: `step!(Name "durable-name": In => Out, settings, |cx, input| body)`. Where it works
/// with something, that comes first: `step!(Name "durable-name" with PgPool: In => ...)`.
macro_rules! step {
    ($type:ident $name:literal: $($rest:tt)*) => {
        $crate::world::step!($type $name with (): $($rest)*);
    };
    ($type:ident $name:literal with $context:ty: $in:ty => $out:ty, $settings:expr, |$cx:ident, $input:ident| $body:expr) => {
        struct $type;
        impl workflows::Step for $type {
            const NAME: &'static str = $name;
            type Context = $context;
            type Input = $in;
            type Output = $out;
            fn settings() -> workflows::StepSettings {
                $settings
            }
            async fn run(
                $cx: &workflows::Attempt<$context>,
                $input: $in,
            ) -> Result<workflows::Done<$out>, workflows::StepError> {
                $body
            }
        }
    };
}
pub(crate) use step;
