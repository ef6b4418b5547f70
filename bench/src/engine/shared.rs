//! Steps whose writes meet: each adds one to one of eight rows of the application, in the
//! transaction that completes it. Two processes beside one.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;
use sqlx::PgConnection;

use crate::{
    Bench,
    counter::rate,
    database::Database,
    ours,
    report::Samples,
    roles::{Role, SHARED_ROWS},
    worker::Worker,
};

/// Time between two looks at the rows.
const TICK: Duration = Duration::from_millis(50);

/// What became of one load.
struct Outcome {
    steps_per_second: f64,
    deadlocks: i64,
}

/// The samples of one number of processes.
struct Side {
    processes: usize,
    rates: Samples,
    deadlocks: i64,
}

impl Side {
    fn of(name: &'static str, processes: usize) -> Self {
        Self {
            processes,
            rates: Samples::of(name),
            deadlocks: 0,
        }
    }
}

pub async fn measure(bench: &mut Bench) -> Result<()> {
    let mut sides = [Side::of("one process", 1), Side::of("two processes", 2)];
    for _ in 0..bench.options.rounds {
        for side in &mut sides {
            let outcome = load(bench, side.processes).await?;
            side.rates.push(outcome.steps_per_second);
            side.deadlocks += outcome.deadlocks;
        }
    }
    for side in &sides {
        side.rates.print("steps/s");
        println!("{:24} {:10} deadlocks", "", side.deadlocks);
    }
    let [one, two] = &sides;
    let details = json!({
        "rounds": bench.options.rounds, "rows": SHARED_ROWS, "runs": bench.options.shared_runs,
        "one": one.rates.median().round(), "two": two.rates.median().round(),
        "deadlocks_one": one.deadlocks, "deadlocks_two": two.deadlocks,
    });
    let ratio = two.rates.median() / one.rates.median();
    bench
        .report
        .add("shared_rows_ratio", ratio, "ratio", details);
    Ok(())
}

async fn load(bench: &Bench, processes: usize) -> Result<Outcome> {
    let options = &bench.options;
    let database = bench.cluster.fresh().await?;
    ours::prepare(&database).await?;
    let mut connection = database.connect().await?;
    let rows = i64::try_from(SHARED_ROWS)?;
    let sql = "CREATE TABLE app (id bigint PRIMARY KEY, v bigint NOT NULL)";
    sqlx::raw_sql(sql).execute(&mut connection).await?;
    let sql = "INSERT INTO app SELECT id, 0 FROM generate_series(0, $1 - 1) AS id";
    sqlx::query(sql).bind(rows).execute(&mut connection).await?;
    let workflow = Role::Sharing.workflow();
    ours::start(
        &mut connection,
        &workflow,
        options.shared_runs,
        options.keys,
    )
    .await?;
    database.settle().await?;

    let mut workers = Vec::new();
    for _ in 0..processes {
        workers.push(Worker::spawn(&database, Role::Sharing)?);
    }
    for worker in &mut workers {
        worker.entered().await?;
    }
    let target = i64::try_from(options.shared_runs)?;
    let limit = Duration::from_secs(options.shared_seconds);
    let steps_per_second = watch(&mut connection, target, limit).await?;
    for worker in workers {
        worker.stop().await?;
    }
    verify(&mut connection).await?;
    let deadlocks = deadlocks(bench, &database).await?;
    bench.cluster.remove(database).await?;
    Ok(Outcome {
        steps_per_second,
        deadlocks,
    })
}

/// The rate at which the rows grow, until they have all or the time is up.
async fn watch(connection: &mut PgConnection, target: i64, limit: Duration) -> Result<f64> {
    let (began, first) = (Instant::now(), written(connection).await?);
    loop {
        tokio::time::sleep(TICK).await;
        let (now, took) = (written(connection).await?, began.elapsed());
        if now >= target || took >= limit {
            return Ok(rate(u64::try_from(now - first)?, took));
        }
    }
}

/// Steps committed so far, as the application sees it.
async fn written(connection: &mut PgConnection) -> Result<i64> {
    let query = sqlx::query_scalar("SELECT sum(v)::bigint FROM app");
    Ok(query.fetch_one(connection).await?)
}

/// Every finished run wrote once, and nobody else did.
async fn verify(connection: &mut PgConnection) -> Result<()> {
    let sql = "SELECT count(*) FROM workflows.runs WHERE state = 'succeeded'";
    let runs: i64 = sqlx::query_scalar(sql).fetch_one(&mut *connection).await?;
    let written = written(connection).await?;
    ensure!(runs == written, "{runs} runs wrote {written} times");
    Ok(())
}

async fn deadlocks(bench: &Bench, database: &Database) -> Result<i64> {
    let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = $1";
    let query = sqlx::query_scalar(sql).bind(&database.name);
    Ok(query.fetch_one(&mut bench.cluster.admin().await?).await?)
}
