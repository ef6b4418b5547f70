//! What this process measures: which metrics there are, in which buckets, and those that are read when they are asked
//! for. What the whole fleet has in common is in `fleet`.

use std::time::Duration;

use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use sqlx::PgPool;

/// For the engine's transactions, in seconds.
const SHORT: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
/// For requests, as OpenTelemetry recommends for `http.server.request.duration`, and for steps.
const REQUEST: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// For what may wait behind others: up to an hour.
const LONG: [f64; 14] = [
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0,
];

/// Histograms, so that they can be added up over processes, with their help and buckets.
const HISTOGRAMS: [(&str, &str, &[f64]); 7] = [
    (
        "workflows_claim_seconds",
        "Time of one claim statement",
        &SHORT,
    ),
    (
        "workflows_commit_seconds",
        "Time of one transaction of completions",
        &SHORT,
    ),
    (
        "workflows_pickup_seconds",
        "From claimable to begun, of a task",
        &LONG,
    ),
    (
        "workflows_step_seconds",
        "Time of one attempt at a step",
        &LONG,
    ),
    (
        "workflows_rescue_seconds",
        "From the first sign of a loss to the rescue of its tasks",
        &LONG,
    ),
    (
        "workflows_run_seconds",
        "From the start of a run to its end, by its state; of ingest: from a complete upload to READY or REJECTED",
        &LONG,
    ),
    (
        "http_server_request_duration_seconds",
        "Time to make an answer, by route and status",
        &REQUEST,
    ),
];

/// Counters with their help.
const COUNTERS: [(&str, &str); 11] = [
    ("workflows_claimed_total", "Tasks claimed"),
    (
        "workflows_attempts_total",
        "Attempts that ended, by outcome, in the words of a run's timeline",
    ),
    ("workflows_dead_letters_total", "Tasks that died, by cause"),
    (
        "workflows_rejections_total",
        "Runs that ended because of their input, by code",
    ),
    ("workflows_commits_total", "Transactions of completions"),
    ("workflows_completed_total", "Ends of attempts written"),
    (
        "workflows_leases_lost_total",
        "Attempts whose lease was lost; nothing of them was written",
    ),
    ("workflows_rescued_total", "Tasks taken from lost workers"),
    (
        "workflows_rescue_busy_total",
        "Runs that a rescue passed over, because somebody held them",
    ),
    (
        "mediamill_uploads_completed_total",
        "Uploads whose bytes had all arrived",
    ),
    ("mediamill_upload_bytes_total", "Bytes of these uploads"),
];

/// Gauges with their help.
const GAUGES: [(&str, &str); 7] = [
    (
        "workflows_present",
        "1: other workers see this process; without it nothing is claimed",
    ),
    (
        "workflows_listener_healthy",
        "1: notifications come through; without them work is found a second later",
    ),
    (
        "workflows_dependency_down",
        "1: this process holds tasks back that need this outside service",
    ),
    ("mediamill_build_info", "Always 1; the version is a label"),
    (
        "mediamill_database_connections",
        "Connections of this process's pool, by state",
    ),
    ("mediamill_scanner_up", "1: the virus scanner answers"),
    (
        "mediamill_scanner_signatures_age_seconds",
        "Age of the virus scanner's official signatures; +Inf: it has none",
    ),
];

/// Installs the recorder.
pub fn install() -> anyhow::Result<PrometheusHandle> {
    let mut builder = PrometheusBuilder::new();
    for (name, _, buckets) in HISTOGRAMS {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets)?;
    }
    let handle = builder.install_recorder()?;
    for (name, help, _) in HISTOGRAMS {
        describe_histogram!(name, help);
    }
    for (name, help) in COUNTERS {
        describe_counter!(name, help);
    }
    for (name, help) in GAUGES {
        describe_gauge!(name, help);
    }
    Collector::default().describe();
    gauge!("mediamill_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

/// Reads what this process uses of the machine.
pub fn process() {
    Collector::default().collect();
}

/// Looks at the pool, and keeps the recorder tidy, for as long as the process lives.
pub async fn watch(pool: PgPool, handle: PrometheusHandle) {
    loop {
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        let used = pool.size().saturating_sub(idle);
        let most = pool.options().get_max_connections();
        for (state, connections) in [("idle", idle), ("used", used), ("most", most)] {
            gauge!("mediamill_database_connections", "state" => state).set(f64::from(connections));
        }
        handle.run_upkeep();
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}
