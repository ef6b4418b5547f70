//! Who killed the process? The one that did is found, and those beside it pay nothing.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use workflows::{
    Attempt, Done, Engine, EngineConfig, NextOnError, Step, StepError, StepSettings, Workflow,
};

use crate::{
    evidence::innocent,
    process::Process,
    world::{World, config, quick},
};

/// Kills its process when it is told to. Every execution leaves a row, which no crash takes back.
struct Pill<const CRASH_LIMIT: u32>;

/// A number, and how many of its executions kill the process.
type Dose = (u32, i64);
const POISON: Dose = (666, i64::MAX);

impl<const CRASH_LIMIT: u32> Step for Pill<CRASH_LIMIT> {
    const NAME: &'static str = "pill";
    type Context = PgPool;
    type Input = Dose;
    type Output = u32;

    fn settings() -> StepSettings {
        StepSettings {
            crash_limit: CRASH_LIMIT,
            ..quick(3)
        }
    }

    async fn run(cx: &Attempt<PgPool>, (n, deadly): Dose) -> Result<Done<u32>, StepError> {
        let sql = "WITH this AS (INSERT INTO executions VALUES ($1))
                   SELECT count(*) + 1 FROM executions WHERE n = $1";
        let executions = sqlx::query_scalar::<_, i64>(sql).bind(i64::from(n));
        if executions.fetch_one(&*cx.context).await.or_retry()? <= deadly {
            tokio::time::sleep(Duration::from_millis(300)).await;
            std::process::abort();
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(Done::new(n))
    }
}

fn pills(pool: &PgPool, crash_limit: u32) -> Workflow<Dose> {
    let route = Workflow::named("pills", 1);
    let route = match crash_limit {
        1 => route.step::<Pill<1>>(),
        3 => route.step::<Pill<3>>(),
        _ => route.step::<Pill<50>>(),
    };
    route.build().with_context(pool.clone())
}

fn config_of_three_seconds() -> EngineConfig {
    EngineConfig {
        lease: Duration::from_secs(3),
        queues: vec![("default".to_owned(), 16)],
        ..config()
    }
}

/// The other process.
pub async fn worker_with_a_pill(url: &str, crash_limit: &str) {
    let pool = PgPool::connect(url).await.unwrap();
    let route = pills(&pool, crash_limit.parse().unwrap());
    let engine = Engine::new(&pool, config_of_three_seconds()).register(&route);
    let never = CancellationToken::new;
    engine.run(never(), never()).await.unwrap();
}

async fn world_of_pills() -> World {
    let world = World::new().await;
    world.execute("CREATE TABLE executions (n bigint)").await;
    world
}

async fn executions(world: &World, n: u32) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM executions WHERE n = $1");
    count
        .bind(i64::from(n))
        .fetch_one(&world.pool)
        .await
        .unwrap()
}

/// A worker process that is started again whenever it has died. Returns how often it did.
async fn restarted_until(
    world: &World,
    crash_limit: u32,
    limit: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> bool,
) -> u32 {
    let start = || Process::start(&format!("pills {crash_limit}"), world.url());
    let (mut worker, mut deaths) = (start(), 0);
    world
        .within(limit, what, async || {
            if worker.end(Duration::from_millis(20)).await.is_some() {
                (worker, deaths) = (start(), deaths + 1);
            }
            look().await.then_some(())
        })
        .await;
    deaths
}

#[tokio::test]
async fn one_of_sixteen_kills_the_process_and_the_other_fifteen_pay_nothing() {
    let world = world_of_pills().await;
    let route = pills(&world.pool, 3);
    for n in 0..16 {
        let dose = if n == 7 { POISON } else { (n, 0) };
        world.start(&route, &dose).await;
    }
    let (began, patience) = (Instant::now(), Duration::from_mins(2));
    let deaths = restarted_until(&world, 3, patience, "15 done and one dead", async || {
        world.runs_in("pills", "succeeded").await == 15 && world.runs_in("pills", "dead").await == 1
    })
    .await;
    eprintln!(
        "15 done and 1 dead after {:?} and {deaths} deaths",
        began.elapsed()
    );
    let letter = world.letter().await;
    assert_eq!(
        (letter.cause.as_str(), letter.crashes, letter.errors),
        ("crashes", 3, 0)
    );
    let sql =
        "SELECT DISTINCT subject::text FROM workflows.attempts JOIN workflows.runs USING (run_id)
               WHERE outcome NOT IN ('done', 'lost') AND state <> 'dead'";
    let charged: Vec<String> = sqlx::query_scalar(sql)
        .fetch_all(&world.pool)
        .await
        .unwrap();
    assert!(
        charged.is_empty(),
        "innocents were charged: {:?}",
        world.outcomes().await
    );
}

/// A process that has another workflow, and sees to lost tasks of all.
fn bystander(world: &World) -> crate::world::Running {
    let engine = Engine::new(&world.pool, config_of_three_seconds());
    World::run(engine.register(&innocent()))
}

async fn must_not_be_tried_again(watched: bool) {
    let world = world_of_pills().await;
    let bystander = watched.then(|| bystander(&world));
    world.start(&pills(&world.pool, 1), &POISON).await;
    let mut worker = Process::start("pills 1", world.url());
    let died = worker.end(Duration::from_secs(15)).await;
    assert!(died.is_some(), "the pill was not taken");
    // Time enough for others to do something about it.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let patience = Duration::from_secs(20);
    let deaths = restarted_until(&world, 1, patience, "the run to be dead", async || {
        world.runs_in("pills", "dead").await == 1
    })
    .await;
    assert_eq!(
        (deaths, executions(&world, 666).await),
        (0, 1),
        "it ran once"
    );
    let letter = world.letter().await;
    assert_eq!((letter.cause.as_str(), letter.crashes), ("crashes", 1));
    if let Some(bystander) = bystander {
        bystander.stop().await;
    }
}

#[tokio::test]
async fn with_a_crash_limit_of_one_a_step_runs_once() {
    must_not_be_tried_again(false).await;
}

#[tokio::test]
async fn also_when_a_process_without_the_workflow_finds_it_first() {
    must_not_be_tried_again(true).await;
}

#[tokio::test]
async fn with_a_crash_limit_of_fifty_a_step_survives_five_crashes_whoever_finds_it() {
    let world = world_of_pills().await;
    let bystander = bystander(&world);
    world.start(&pills(&world.pool, 50), &(1, 5)).await;
    let patience = Duration::from_mins(1);
    let deaths = restarted_until(&world, 50, patience, "it to succeed", async || {
        world.runs_in("pills", "succeeded").await == 1
    })
    .await;
    assert_eq!((deaths, executions(&world, 1).await), (5, 6));
    let mut outcomes = vec!["crashed"; 5];
    outcomes.push("done");
    assert_eq!(world.attempts_of("pills").await, outcomes);
    bystander.stop().await;
}
