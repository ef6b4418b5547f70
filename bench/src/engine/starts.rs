//! What it costs a start that workers hear of it: runs started per second by many clients at once,
//! beside the same starts without telling anybody.
//!
//! `NOTIFY` holds a lock of the whole server while its transaction commits, so a start that
//! notified in its own transaction would let no two commits share a flush, and the slower a commit
//! is, the more that would cost. Where commits are faster than on a usual disk, both sides are slowed alike.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;
use uuid::Uuid;
use workflows::{Hints, Starter};

use crate::{
    Bench,
    counter::{Counter, rate},
    database::Database,
    ours,
    report::Samples,
    routes,
};

const CLIENTS: u64 = 32;
/// Transactions that show how long a commit takes.
const COMMITS: usize = 200;
/// What a commit takes on a usual disk, in milliseconds. Faster ones are slowed.
const USUAL: f64 = 4.0;

/// How a client starts its runs.
#[derive(Clone, Copy)]
enum Way {
    Hinting,
    Silent,
}

pub async fn measure(bench: &mut Bench) -> Result<()> {
    let bare = commit_time(bench, "").await?;
    let setting = slowing(bare);
    let commit = commit_time(bench, &setting).await?;
    println!("a commit takes {bare:.2} ms, and {commit:.2} ms in what follows (median)");

    let [mut hinting, mut silent] = [Samples::of("with hints"), Samples::of("without hints")];
    for _ in 0..bench.options.rounds {
        hinting.push(starts(bench, Way::Hinting, &setting).await?);
        silent.push(starts(bench, Way::Silent, &setting).await?);
    }
    hinting.print("starts/s");
    silent.print("starts/s");
    let details = json!({
        "clients": CLIENTS, "seconds": bench.options.starts_seconds,
        "rounds": bench.options.rounds, "commit_ms": commit, "unslowed_commit_ms": bare,
        "with_hints": hinting.median().round(), "without_hints": silent.median().round(),
    });
    let ratio = hinting.median() / silent.median();
    let report = &mut bench.report;
    report.add("starts_ratio", ratio, "ratio", details.clone());
    report.add("starts_per_s", hinting.median(), "1/s", details);
    Ok(())
}

/// What a session sets so that its commits, which take `bare` milliseconds, are not too fast: the
/// server then waits before it flushes the log, once for all that commit meanwhile.
#[expect(clippy::cast_possible_truncation, reason = "a few thousand")]
fn slowing(bare: f64) -> String {
    if bare >= USUAL {
        return String::new();
    }
    let micros = ((USUAL - bare) * 1000.0).round() as i64;
    format!("SET commit_siblings = 0; SET commit_delay = {micros}")
}

/// Median milliseconds of the commit of a small insert, by one client.
async fn commit_time(bench: &Bench, setting: &str) -> Result<f64> {
    let database = bench.cluster.fresh().await?;
    let mut connection = connect(&database, setting).await?;
    sqlx::raw_sql("CREATE TABLE rows (id bigint)")
        .execute(&mut connection)
        .await?;
    let mut times = Samples::of("commit");
    for _ in 0..COMMITS {
        let mut tx = connection.begin().await?;
        let insert = sqlx::query("INSERT INTO rows VALUES (1)");
        insert.execute(&mut *tx).await?;
        let began = Instant::now();
        tx.commit().await?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    connection.close().await?;
    bench.cluster.remove(database).await?;
    Ok(times.median())
}

/// Starts per second, all clients together.
async fn starts(bench: &Bench, way: Way, setting: &str) -> Result<f64> {
    let database = bench.cluster.fresh().await?;
    ours::prepare(&database).await?;
    let workflow = routes::linear(&Counter::default());
    // Gives the lane its number.
    ours::start(&mut database.connect().await?, &workflow, 1, 1).await?;
    database.settle().await?;

    let pool = database.pool(1).await?;
    let starter = match way {
        Way::Hinting => workflow.starter().hinting(&Hints::new(&pool)),
        Way::Silent => workflow.starter(),
    };
    let span = Duration::from_secs(bench.options.starts_seconds);
    let mut connections = Vec::new();
    for _ in 0..CLIENTS {
        connections.push(connect(&database, setting).await?);
    }
    let mut clients = JoinSet::new();
    let began = Instant::now();
    for (client, connection) in (0..).zip(connections) {
        let starter = starter.clone();
        clients.spawn(work(connection, starter, client, began + span));
    }
    let mut runs = 0;
    while let Some(ended) = clients.join_next().await {
        runs += ended??;
    }
    let took = began.elapsed();
    bench.cluster.remove(database).await?;
    Ok(rate(runs, took))
}

async fn connect(database: &Database, setting: &str) -> Result<PgConnection> {
    let mut connection = database.connect().await?;
    let setting = sqlx::AssertSqlSafe(setting);
    sqlx::raw_sql(setting).execute(&mut connection).await?;
    Ok(connection)
}

/// One client: a transaction after the other, each with one start.
async fn work(
    mut connection: PgConnection,
    starter: Starter<u64>,
    client: u64,
    until: Instant,
) -> Result<u64> {
    let mut runs = 0;
    while Instant::now() < until {
        let mut tx = connection.begin().await?;
        let (subject, key) = (Uuid::now_v7(), format!("client {client}"));
        starter.start(&mut tx, subject, &key, &runs).await?;
        tx.commit().await?;
        runs += 1;
    }
    Ok(runs)
}
