//! How long a frozen worker process keeps its tasks: it is stopped (SIGSTOP) in the midst of
//! settling trivial steps, so that its connections stay, perhaps with a transaction open and locks
//! held, while another process goes on.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use sqlx::PgConnection;

use crate::{
    Bench, ours,
    report::Samples,
    roles::{LEASE, Role},
    worker::Worker,
};

/// How long is waited at most. A sample as long as this stands for one that did not end.
const PATIENCE: Duration = Duration::from_mins(1);
/// After so long a worker has all its connections.
const SETTLING: Duration = Duration::from_millis(300);
const TICK: Duration = Duration::from_millis(50);
/// What is allowed beyond the lease.
const MARGIN: Duration = Duration::from_secs(10);

struct Sample {
    seconds: f64,
    /// Leases that it had when it was stopped.
    leases: i64,
    /// Whether a transaction of it was open then.
    in_transaction: bool,
}

pub async fn measure(bench: &mut Bench) -> Result<()> {
    let mut samples = Samples::of("stop to last lease");
    let (mut leases, mut in_transaction) = (0, 0);
    for _ in 0..bench.options.frozen {
        let sample = freeze(bench).await?;
        samples.push(sample.seconds);
        leases += sample.leases;
        in_transaction += usize::from(sample.in_transaction);
    }
    samples.print("s");
    println!("{in_transaction} stopped in a transaction, {leases} leases in all");
    let details = json!({
        "samples": bench.options.frozen, "p50_s": samples.median(),
        "stopped_in_a_transaction": in_transaction, "leases": leases,
        "lease_s": LEASE.as_secs(), "limit_s": (LEASE + MARGIN).as_secs(),
    });
    let latest = samples.percentile(100);
    bench.report.add("frozen_rescue_s", latest, "s", details);
    Ok(())
}

async fn freeze(bench: &Bench) -> Result<Sample> {
    let database = bench.cluster.fresh().await?;
    ours::prepare(&database).await?;
    let mut connection = database.connect().await?;
    let workflow = Role::Trivial.workflow();
    let (runs, keys) = (bench.options.frozen_runs, bench.options.keys);
    ours::start(&mut connection, &workflow, runs, keys).await?;
    let mut holder = Worker::spawn(&database, Role::Trivial)?;
    holder.entered().await?;
    tokio::time::sleep(SETTLING).await;
    let sessions = sessions(&mut connection).await?;
    let mut other = Worker::spawn(&database, Role::Trivial)?;
    other.entered().await?;
    let worker_id = worker_id(&mut connection, &holder.name()?).await?;
    // Any moment between two of its commits.
    let settling = rand::random_range(200_000..=700_000);
    tokio::time::sleep(Duration::from_micros(settling)).await;

    holder.freeze().await?;
    let frozen = Instant::now();
    // What it had sent is done by the server meanwhile.
    tokio::time::sleep(TICK).await;
    let in_transaction = in_transaction(&mut connection, &sessions).await?;
    let first = leases(&mut connection, worker_id).await?;
    let mut left = first;
    while left > 0 && frozen.elapsed() < PATIENCE {
        tokio::time::sleep(TICK).await;
        left = leases(&mut connection, worker_id).await?;
    }
    let seconds = frozen.elapsed().as_secs_f64();
    holder.kill().await?;
    other.kill().await?;
    bench.cluster.remove(database).await?;
    Ok(Sample {
        seconds,
        leases: first,
        in_transaction,
    })
}

async fn worker_id(connection: &mut PgConnection, name: &str) -> Result<i64> {
    let sql = "SELECT max(worker_id) FROM workflows.workers WHERE name = $1";
    let query = sqlx::query_scalar(sql).bind(name);
    Ok(query.fetch_one(connection).await?)
}

async fn leases(connection: &mut PgConnection, worker_id: i64) -> Result<i64> {
    let sql = "SELECT count(*) FROM workflows.leases WHERE worker_id = $1";
    let query = sqlx::query_scalar(sql).bind(worker_id);
    Ok(query.fetch_one(connection).await?)
}

/// The server's processes for all sessions of the database but this one.
async fn sessions(connection: &mut PgConnection) -> Result<Vec<i32>> {
    let sql = "SELECT pid FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()
                 AND backend_type = 'client backend'";
    Ok(sqlx::query_scalar(sql).fetch_all(connection).await?)
}

async fn in_transaction(connection: &mut PgConnection, sessions: &[i32]) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity
               WHERE pid = ANY($1) AND state LIKE 'idle in transaction%')";
    let query = sqlx::query_scalar(sql).bind(sessions);
    Ok(query.fetch_one(connection).await?)
}
