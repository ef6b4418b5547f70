//! Operators do at random all that they can, four at a time, while steps fail in every way, runs are
//! started and connections of the workers are killed. In the end every run has ended as somebody
//! decided, nothing is left over, and every result was committed once.
//!
//! Eight seconds of it belong to the tests; `FUZZ_SECONDS=35` makes it longer (`just chaos`).

mod judge;
mod operators;
mod route;

use std::time::{Duration, Instant};

use devkit::TestCluster;
use rand::{Rng, SeedableRng, rngs::StdRng};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{patience::Patience, worker::Worker};
use judge::{count, judge};
use operators::{Deeds, let_go, operate};

pub use route::route;

const OPERATORS: u64 = 4;
const WORKERS: usize = 2;
/// Runs that are started in a second.
const PACE: f64 = 25.0;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_operators_do_nothing_is_stuck_or_left_over() {
    let seconds = std::env::var("FUZZ_SECONDS").map_or(8, |s| s.parse().unwrap());
    let seed: u64 = rand::random();
    println!("fuzz for {seconds} s, seed {seed}");
    let cluster = TestCluster::shared().await.unwrap();
    let database = cluster.database("fuzz", prepare).await.unwrap();
    let pool = PgPool::connect(database.url()).await.unwrap();
    let mut workers = Vec::new();
    for number in 0..WORKERS {
        workers.push(Worker::start(number, database.url()).await);
    }
    let patience = Patience::begin("the workers to be there");
    while count(&pool, "FROM workflows.lanes WHERE workflow = 'fuzz'").await < 5 {
        patience.pause().await;
    }
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let operators = (0..OPERATORS).map(|number| {
        let operating = operate(pool.clone(), seed.wrapping_add(number), deadline);
        tokio::spawn(operating)
    });
    let operators: Vec<_> = operators.collect();
    let starting = tokio::spawn(start_runs(pool.clone(), deadline));
    kill_backends(&pool, seed, deadline).await;
    starting.await.unwrap();
    let mut deeds = Deeds::new();
    for operator in operators {
        for (deed, (done, late)) in operator.await.unwrap() {
            let sum = deeds.entry(deed).or_default();
            *sum = (sum.0 + done, sum.1 + late);
        }
    }
    calm_down(&pool).await;
    report(&pool, &deeds).await;
    judge(&pool).await;
    let idle: Vec<_> = deeds.iter().filter(|(_, (done, _))| *done == 0).collect();
    assert!(
        idle.is_empty() && deeds.len() == 11,
        "never done: {deeds:?}"
    );
}

async fn prepare(url: String) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let pool = PgPool::connect(&url).await?;
    workflows::migrate(&pool).await?;
    for sql in [
        "CREATE TABLE traces (token bigint PRIMARY KEY, run_id uuid NOT NULL, what text NOT NULL)",
        "CREATE TABLE enough (at timestamptz NOT NULL)",
    ] {
        sqlx::query(sql).execute(&pool).await?;
    }
    pool.close().await;
    Ok(())
}

async fn start_runs(pool: PgPool, deadline: Instant) {
    let starter = route(&pool).starter();
    for run in 0_u32.. {
        if Instant::now() > deadline {
            break;
        }
        let owner = format!("owner {}", run % 7);
        let mut tx = pool.begin().await.unwrap();
        let starting = starter.start(&mut tx, Uuid::now_v7(), &owner, &run);
        starting.await.unwrap();
        tx.commit().await.unwrap();
        tokio::time::sleep(Duration::from_secs_f64(1.0 / PACE)).await;
    }
}

/// A third of the engines' connections at a time.
async fn kill_backends(pool: &PgPool, seed: u64, deadline: Instant) {
    let mut random = StdRng::seed_from_u64(seed);
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE application_name LIKE 'workflows%' AND datname = current_database() AND random() < 0.3";
    while Instant::now() < deadline {
        let pause = random.random_range(200..600);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let _killed: i64 = sqlx::query_scalar(kill).fetch_one(pool).await.unwrap();
    }
}

/// Nobody does anything any more, and everything comes to its end.
async fn calm_down(pool: &PgPool) {
    let enough = "INSERT INTO enough VALUES (now())";
    sqlx::query(enough).execute(pool).await.unwrap();
    let patience = Patience::begin("every run to end");
    while count(pool, "FROM workflows.runs WHERE ended_at IS NULL").await > 0 {
        let_go(pool).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        patience.pause().await;
    }
    let patience = Patience::begin("re-drives and charges to end");
    while count(pool, "FROM workflows.redrives WHERE ended_at IS NULL").await > 0
        || count(pool, "FROM workflows.attempts WHERE outcome = 'crashed'").await > 0
        || count(pool, "FROM workflows.leases").await > 0
    {
        patience.pause().await;
    }
}

async fn report(pool: &PgPool, deeds: &Deeds) {
    for (deed, (done, late)) in deeds {
        println!(
            "{deed:<20}{done:>6} done{late:>6} too late",
            deed = format!("{deed:?}")
        );
    }
    let outcomes = "SELECT outcome, count(*) FROM workflows.attempts GROUP BY 1
                    UNION ALL SELECT 'run ' || state, count(*) FROM workflows.runs GROUP BY 1 ORDER BY 1";
    let outcomes: Vec<(String, i64)> = sqlx::query_as(outcomes).fetch_all(pool).await.unwrap();
    for (outcome, count) in outcomes {
        println!("{outcome:<20}{count:>6}");
    }
}
