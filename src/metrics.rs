//! The metrics of a worker process, for Prometheus.
//!
//! The engine records what it does as it does it. What waits in the database is the same for every
//! process: one of them counts it now and then, and all export that count.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusBuilder;
use sqlx::PgPool;
use workflows::admin::{Depth, Depths, depths};

/// Time between two looks at what waits.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// A count that is older is made anew by whoever finds it.
const OLDEST: Duration = Duration::from_secs(14);

/// Serves `http://LISTEN/metrics` until the process ends.
pub fn serve(listen: SocketAddr, pool: PgPool) -> anyhow::Result<()> {
    PrometheusBuilder::new()
        .with_http_listener(listen)
        .install()
        .with_context(|| format!("cannot serve metrics on {listen}"))?;
    describe();
    tokio::spawn(look(pool));
    Ok(())
}

fn describe() {
    metrics::describe_gauge!(
        "workflows_tasks",
        "Tasks by queue, workflow, step and state, in the whole fleet: every worker exports the same count, so use max(), not sum()"
    );
    metrics::describe_gauge!(
        "workflows_oldest_ready_seconds",
        "How long the oldest claimable task of a step had been ready when it was counted, in the whole fleet: use max(), not sum()"
    );
    metrics::describe_gauge!(
        "workflows_tasks_counted_seconds_ago",
        "Age of the count of tasks when this process read it: use min()"
    );
}

async fn look(pool: PgPool) {
    let mut seen = HashMap::new();
    loop {
        match depths(&pool, OLDEST).await {
            Ok(depths) => record(&depths, &mut seen),
            Err(error) => tracing::warn!(error = %error, "tasks could not be counted"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

type Labels = [(&'static str, String); 4];

/// Sets the gauges. A step that has no task any more is at zero, not at what it was last.
fn record(depths: &Depths, seen: &mut HashMap<Labels, f64>) {
    for value in seen.values_mut() {
        *value = 0.0;
    }
    for depth in &depths.steps {
        for (state, tasks) in [
            ("ready", depth.ready),
            ("suspect", depth.suspects),
            ("deferred", depth.deferred),
            ("running", depth.running),
            ("held", depth.held),
            ("dead", depth.dead),
        ] {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            seen.insert(labels(depth, state), tasks as f64);
        }
        let age = depth.oldest_ready_seconds.unwrap_or(0.0);
        seen.insert(labels(depth, "oldest"), age);
    }
    for (labels, value) in seen {
        let [queue, workflow, step, (_, state)] = labels.clone();
        if state == "oldest" {
            let labels = [queue, workflow, step];
            metrics::gauge!("workflows_oldest_ready_seconds", &labels).set(*value);
        } else {
            let labels = [queue, workflow, step, ("state", state)];
            metrics::gauge!("workflows_tasks", &labels).set(*value);
        }
    }
    metrics::gauge!("workflows_tasks_counted_seconds_ago").set(depths.age.as_secs_f64());
}

fn labels(depth: &Depth, state: &str) -> Labels {
    [
        ("queue", depth.queue.clone()),
        ("workflow", depth.workflow.clone()),
        ("step", depth.step.clone()),
        ("state", state.to_owned()),
    ]
}
