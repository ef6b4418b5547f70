//! What is the same for every process: what waits in the database, who is alive, what is down.
//!
//! One process at a time exports it, so that sums over processes are true. It is the one that holds an advisory lock;
//! when it ends, another finds the lock free at its next look.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use api::http::problem::Causes;
use metrics::{describe_gauge, gauge, with_local_recorder};
use metrics_exporter_prometheus::PrometheusBuilder;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::time::timeout;
use workflows::admin::{AdminError, Depth, Depths, depths, queues, workers};

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// A count that is older is made anew by whoever finds it.
const OLDEST: Duration = Duration::from_secs(14);
/// A look that takes longer is given up, and what it would have said is not said.
const PATIENCE: Duration = Duration::from_secs(10);
/// The lock of the process that exports: "mediamil" in ASCII.
const LOCK: i64 = 0x6d65_6469_616d_696c;

const HELP: [(&str, &str); 8] = [
    (
        "workflows_tasks",
        "Tasks by queue, workflow, step and state, in the whole fleet",
    ),
    (
        "workflows_oldest_ready_seconds",
        "How long the oldest claimable task of a step had been ready when it was counted",
    ),
    (
        "workflows_tasks_counted_seconds_ago",
        "Age of the count of tasks",
    ),
    ("workflows_workers_alive", "Workers that are alive"),
    (
        "workflows_slots",
        "Tasks of a queue that all live workers run at once",
    ),
    (
        "workflows_slots_used",
        "Tasks of a queue that are being worked on",
    ),
    ("workflows_queue_paused", "1: somebody holds the queue"),
    (
        "workflows_breaker_open",
        "1: an outside service is down, and tasks that need it wait",
    ),
];

/// The text of the last look; empty in all processes but one.
#[derive(Debug, Clone, Default)]
pub struct Fleet(Arc<Mutex<String>>);

impl Fleet {
    pub fn render(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Looks for as long as the process lives.
    pub async fn watch(self, pool: PgPool) {
        let mut held = None;
        let mut seen = Seen::default();
        loop {
            let look = timeout(PATIENCE, look(&pool, &mut held)).await;
            let text = match look {
                Ok(Ok(Some(look))) => seen.render(&look),
                Ok(Ok(None)) => String::new(),
                Ok(Err(error)) => {
                    tracing::warn!(
                        error = %Causes(&error),
                        "the fleet could not be counted"
                    );
                    held = None;
                    String::new()
                }
                Err(_) => {
                    held = None;
                    String::new()
                }
            };
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

struct Look {
    depths: Depths,
    alive: u64,
    queues: Vec<queues::QueueEntry>,
}

/// Looks, if this process is the one that exports.
async fn look(pool: &PgPool, lock: &mut Option<PgConnection>) -> Result<Option<Look>, AdminError> {
    if let Some(connection) = lock {
        // The lock is gone with its session.
        connection.ping().await?;
    } else {
        let mut connection = pool.acquire().await?;
        let taken = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK);
        if !taken.fetch_one(&mut *connection).await? {
            return Ok(None);
        }
        *lock = Some(connection.detach());
    }
    Ok(Some(Look {
        depths: depths(pool, OLDEST).await?,
        alive: workers::count_alive(pool).await?,
        queues: queues::list(pool).await?,
    }))
}

/// Steps and services of earlier looks. What is not there any more is at zero, not at what it was last.
#[derive(Default)]
struct Seen {
    steps: BTreeSet<(String, String, String)>,
    dependencies: BTreeSet<String>,
}

impl Seen {
    fn render(&mut self, look: &Look) -> String {
        let recorder = PrometheusBuilder::new().build_recorder();
        with_local_recorder(&recorder, || {
            for (name, help) in HELP {
                describe_gauge!(name, help);
            }
            self.steps(&look.depths);
            self.queues(look);
            count("workflows_workers_alive", &[], look.alive);
        });
        recorder.handle().render()
    }

    fn steps(&mut self, depths: &Depths) {
        let name = |depth: &Depth| {
            (
                depth.queue.clone(),
                depth.workflow.clone(),
                depth.step.clone(),
            )
        };
        self.steps.extend(depths.steps.iter().map(name));
        for step in &self.steps {
            let depth = depths.steps.iter().find(|depth| name(depth) == *step);
            let depth = depth.cloned().unwrap_or_default();
            let (queue, workflow, step) = step;
            let labels = [
                ("queue", queue.as_str()),
                ("workflow", workflow),
                ("step", step),
            ];
            for (state, tasks) in [
                ("ready", depth.ready),
                ("suspect", depth.suspects),
                ("deferred", depth.deferred),
                ("running", depth.running),
                ("held", depth.held),
                ("dead", depth.dead),
            ] {
                let labels = [&labels[..], &[("state", state)]].concat();
                count("workflows_tasks", &labels, tasks.cast_unsigned());
            }
            set(
                "workflows_oldest_ready_seconds",
                &labels,
                depth.oldest_ready_seconds.unwrap_or(0.0),
            );
        }
        set(
            "workflows_tasks_counted_seconds_ago",
            &[],
            depths.age.as_secs_f64(),
        );
    }

    fn queues(&mut self, look: &Look) {
        let mut down = BTreeSet::new();
        for queue in &look.queues {
            let labels = [("queue", queue.queue.as_str())];
            let steps = look.depths.steps.iter();
            let used: i64 = steps
                .filter(|depth| depth.queue == queue.queue)
                .map(|depth| depth.running)
                .sum();
            count("workflows_slots", &labels, queue.slots.cast_unsigned());
            count("workflows_slots_used", &labels, used.cast_unsigned());
            count(
                "workflows_queue_paused",
                &labels,
                queue.paused.is_some().into(),
            );
            down.extend(
                queue
                    .breakers
                    .iter()
                    .map(|breaker| breaker.dependency.clone()),
            );
        }
        self.dependencies.extend(down.iter().cloned());
        for dependency in &self.dependencies {
            let open = down.contains(dependency);
            count(
                "workflows_breaker_open",
                &[("dependency", dependency)],
                open.into(),
            );
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn count(name: &'static str, labels: &[(&'static str, &str)], number: u64) {
    set(name, labels, number as f64);
}

fn set(name: &'static str, labels: &[(&'static str, &str)], value: f64) {
    let labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| metrics::Label::new(*name, (*value).to_owned()))
        .collect();
    gauge!(name, labels).set(value);
}
