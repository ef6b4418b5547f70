//! Three workers, five hundred runs, and everything that a bad day brings: workers killed, workers
//! stopped for longer than their leases, connections cut, Postgres crashed. In the end nothing is
//! lost, nothing happened twice, and nothing is left over.
//!
//! One minute of it belongs to the tests; `CHAOS_SECONDS=240` makes it longer (`just chaos`).
#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot do without has to be there"
)]

mod fuzz;
mod harm;
mod patience;
mod report;
mod route;
mod worker;

use std::time::{Duration, Instant};

use devkit::{Postgres, PostgresOptions};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::{harm::Harm, patience::Patience, report::Report, worker::Worker};

const WORKERS: usize = 3;
const RUNS: u32 = 500;

/// The system under attack.
pub struct Arena {
    postgres: Postgres,
    url: String,
    pool: PgPool,
    workers: Vec<Worker>,
}

impl Arena {
    async fn open(folder: &std::path::Path) -> Self {
        let options = PostgresOptions {
            data_dir: folder.join("postgres"),
            fsync: true,
        };
        let postgres = Postgres::start(options).await.unwrap();
        postgres.create_database("chaos").await.unwrap();
        let url = postgres.url("chaos");
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .connect(&url)
            .await
            .unwrap();
        workflows::migrate(&pool).await.unwrap();
        let effects = "CREATE TABLE effects (subject uuid, what text, UNIQUE (subject, what))";
        sqlx::query(effects).execute(&pool).await.unwrap();
        let mut workers = Vec::new();
        for number in 0..WORKERS {
            workers.push(Worker::start(number, &url).await);
        }
        Self {
            postgres,
            url,
            pool,
            workers,
        }
    }

    /// Asks until Postgres answers: it may be down just now.
    pub async fn ask(&self, sql: &'static str) -> i64 {
        self.answer(sql, None).await
    }

    /// As [`Arena::ask`], about one worker.
    pub async fn ask_about(&self, sql: &'static str, name: &str) -> i64 {
        self.answer(sql, Some(name)).await
    }

    async fn answer(&self, sql: &'static str, name: Option<&str>) -> i64 {
        let patience = Patience::begin(format!("Postgres to answer {sql}"));
        loop {
            let query = sqlx::query_scalar(sql);
            let query = match name {
                Some(name) => query.bind(name),
                None => query,
            };
            let answer = query.fetch_one(&self.pool);
            let answer = tokio::time::timeout(Duration::from_secs(10), answer).await;
            if let Ok(Ok(answer)) = answer {
                return answer;
            }
            patience.pause().await;
        }
    }
}

#[tokio::test]
async fn nothing_is_lost_or_done_twice_on_a_bad_day() {
    let seconds = std::env::var("CHAOS_SECONDS").map_or(60, |s| s.parse().unwrap());
    let seed = rand::random();
    println!("chaos for {seconds} s, seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut arena = Arena::open(folder.path()).await;
    let starting = tokio::spawn(route::start_runs(
        arena.url.clone(),
        RUNS,
        Duration::from_secs(seconds),
    ));

    let mut report = Report::default();
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let mut harms = Vec::new();
    while Instant::now() < deadline {
        if harms.is_empty() {
            harms = Harm::ALL.to_vec();
            harms.shuffle(&mut random);
        }
        let pause = Duration::from_millis(random.random_range(300..1500));
        tokio::time::sleep(pause).await;
        let harm = harms.pop().unwrap();
        let recovered = harm.inflict(&mut arena, &mut random).await;
        report.add(harm, recovered);
    }

    starting.await.unwrap();
    let quiet = Instant::now();
    while arena
        .ask("SELECT count(*) FROM workflows.runs WHERE state <> 'succeeded'")
        .await
        > 0
    {
        assert!(
            quiet.elapsed() < Duration::from_secs(90),
            "{} of the runs have not ended",
            arena
                .ask("SELECT count(*) FROM workflows.runs WHERE state <> 'succeeded'")
                .await
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    report.print(&arena).await;
    judge(&arena).await;
}

async fn judge(arena: &Arena) {
    assert_eq!(
        arena
            .ask("SELECT count(*) FROM workflows.runs WHERE workflow = 'chaos'")
            .await,
        i64::from(RUNS)
    );
    // The table refuses a second row, and so would the step that wrote it: these are all.
    let effects = arena.ask("SELECT count(*) FROM effects").await;
    assert_eq!(
        effects,
        i64::from(RUNS) * route::EFFECTS,
        "each effect of each run, once"
    );
    let done = "SELECT count(*) FROM workflows.attempts WHERE outcome = 'done'";
    assert_eq!(
        arena.ask(done).await,
        i64::from(RUNS) * route::EFFECTS,
        "each step done once"
    );
    for left in [
        "SELECT count(*) FROM workflows.tasks",
        "SELECT count(*) FROM workflows.ready",
        "SELECT count(*) FROM workflows.deferred",
        "SELECT count(*) FROM workflows.fan_outs",
        "SELECT count(*) FROM workflows.dead_letters",
    ] {
        assert_eq!(arena.ask(left).await, 0, "{left}");
    }
}
