//! What an old snapshot costs: while one is held, no dead row can be removed.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use sqlx::{Connection, FromRow};
use tokio::task::JoinHandle;
use workflows::Workflow;

use crate::{
    Bench,
    counter::{Counter, rate},
    database::Database,
    ours::{self, Fleet},
    routes::{self, STEPS},
};

/// Runs kept waiting, so that the engines never lack work.
const BACKLOG: u64 = 4_000;
/// Runs added at once when there are fewer.
const REFILL: u64 = 500;
/// The load is watched in windows of a tenth of its time.
const WINDOWS: u32 = 10;

#[derive(FromRow)]
struct Table {
    relname: String,
    live: i64,
    dead: i64,
}

/// What became of the load.
struct Outcome {
    steps_per_second: f64,
    windows: Vec<f64>,
    tables: Vec<Table>,
}

pub async fn measure(bench: &mut Bench) -> Result<()> {
    let free = load(bench, false).await?;
    free.print("without a snapshot");
    let pinned = load(bench, true).await?;
    pinned.print("with a snapshot");
    let dead: serde_json::Map<_, _> = pinned
        .tables
        .iter()
        .map(|t| (t.relname.clone(), t.dead.into()))
        .collect();
    let details = json!({
        "seconds": bench.options.pinned_seconds, "backlog": BACKLOG,
        "free": free.steps_per_second.round(), "pinned": pinned.steps_per_second.round(),
        "last_tenth_ratio": pinned.last() / free.last(), "dead": dead,
    });
    let ratio = pinned.steps_per_second / free.steps_per_second;
    bench.report.add("pinned_ratio", ratio, "ratio", details);
    Ok(())
}

impl Outcome {
    fn last(&self) -> f64 {
        self.windows.last().copied().unwrap_or_default()
    }

    fn print(&self, name: &str) {
        let windows: Vec<_> = self.windows.iter().map(|w| format!("{w:.0}")).collect();
        let windows = windows.join(" ");
        println!("{name}: {:.0} steps/s   ({windows})", self.steps_per_second);
        for table in &self.tables {
            println!(
                "{:12} {:9} live {:9} dead",
                table.relname, table.live, table.dead
            );
        }
    }
}

async fn load(bench: &Bench, pinned: bool) -> Result<Outcome> {
    let database = bench.cluster.fresh().await?;
    ours::prepare(&database).await?;
    let counter = Counter::default();
    let workflow = routes::linear(&counter);
    let mut connection = database.connect().await?;
    ours::start(&mut connection, &workflow, BACKLOG, bench.options.keys).await?;
    database.settle().await?;
    let mut reader = database.connect().await?;
    let mut snapshot = reader.begin().await?;
    if pinned {
        let sql = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ";
        sqlx::raw_sql(sql).execute(&mut *snapshot).await?;
        let sql = "SELECT count(*) FROM workflows.runs";
        sqlx::query(sql).execute(&mut *snapshot).await?;
    }

    let fleet = Fleet::launch(&database, &workflow, &bench.options).await?;
    let feeder = feed(&database, workflow, &counter, bench.options.keys).await?;
    let window = Duration::from_secs(bench.options.pinned_seconds) / WINDOWS;
    let (began, before) = (Instant::now(), counter.get());
    let mut windows = Vec::new();
    for _ in 0..WINDOWS {
        let (began, before) = (Instant::now(), counter.get());
        tokio::time::sleep(window).await;
        windows.push(rate(counter.get() - before, began.elapsed()));
    }
    let steps_per_second = rate(counter.get() - before, began.elapsed());
    feeder.abort();
    fleet.stop().await?;
    let tables = tables(&database).await?;
    snapshot.rollback().await?;
    bench.cluster.remove(database).await?;
    Ok(Outcome {
        steps_per_second,
        windows,
        tables,
    })
}

/// Keeps the backlog up, on a connection of its own.
async fn feed(
    database: &Database,
    workflow: Workflow<u64>,
    counter: &Counter,
    keys: u64,
) -> Result<JoinHandle<Result<()>>> {
    let mut connection = database.connect().await?;
    let counter = counter.clone();
    Ok(tokio::spawn(async move {
        let mut started = BACKLOG;
        loop {
            if started.saturating_sub(counter.get() / STEPS) < BACKLOG {
                ours::start(&mut connection, &workflow, REFILL, keys).await?;
                started += REFILL;
            } else {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }))
}

async fn tables(database: &Database) -> Result<Vec<Table>> {
    let sql = "SELECT relname, n_live_tup AS live, n_dead_tup AS dead FROM pg_stat_user_tables
               WHERE schemaname = 'workflows' ORDER BY n_dead_tup DESC, relname";
    let query = sqlx::query_as(sql);
    Ok(query.fetch_all(&mut database.connect().await?).await?)
}
