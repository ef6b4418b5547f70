//! The token of an attempt is greater than that of every earlier one of its task, whatever the
//! server's clock does. A clock that was set back is played by a token that is ahead of it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::runtime::Runtime;
use workflows::{Attempt, Done, NextOnError, Step, StepError, StepSettings, Workflow};

use crate::{
    evidence::AT_ONCE,
    world::{World, leaving, quick},
};

/// A year ahead, in the token's unit.
const AHEAD: &str = "(365 * 86400 * 1000::bigint) << 20";

/// Fails twice. Each attempt tells its token.
struct Tells;

impl Step for Tells {
    const NAME: &'static str = "tells";
    type Context = Mutex<Vec<i64>>;
    type Input = u32;
    type Output = u32;

    fn settings() -> StepSettings {
        let mut settings = quick(5);
        settings.backoff.first = Duration::from_hours(1);
        settings.backoff.cap = Duration::from_hours(1);
        settings
    }

    async fn run(cx: &Attempt<Self::Context>, n: u32) -> Result<Done<u32>, StepError> {
        cx.context.lock().unwrap().push(cx.token.0);
        match cx.attempt {
            1 | 2 => Err("not yet").or_retry(),
            _ => Ok(Done::new(n)),
        }
    }
}

/// Puts the tokens of all tasks ahead of the clock.
async fn clock_is_set_back(world: &World) {
    let sql = format!("UPDATE workflows.tasks SET token = token + ({AHEAD})");
    let set = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&world.pool);
    assert!(
        set.await.unwrap().rows_affected() > 0,
        "there was an attempt"
    );
}

#[tokio::test]
async fn tokens_grow_when_the_clock_does_not() {
    let world = World::new().await;
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let route = Workflow::named("tokens", 1)
        .step::<Tells>()
        .step::<Tells2>()
        .build()
        .with_context(Arc::clone(&tokens));
    let engine = world.engine(&route);
    let subject = world.start(&route, &1).await;
    for attempts in 1..=2 {
        let failed =
            async || (world.outcomes().await == [("error".to_owned(), attempts)]).then_some(());
        world
            .within(Duration::from_secs(10), "a failed attempt", failed)
            .await;
        clock_is_set_back(&world).await;
        world.make_due().await;
    }
    world.reaches(subject, "succeeded").await;
    let tokens = tokens.lock().unwrap().clone();
    assert_eq!(tokens.len(), 4, "three attempts, and the next step's");
    assert!(
        tokens.is_sorted_by(|earlier, later| earlier < later),
        "{tokens:?}"
    );
    let year: i64 = (365 * 86_400 * 1_000) << 20;
    assert!(tokens[2] - tokens[0] > 2 * year, "beyond what was written");
    engine.stop().await;
}

/// The next step, by the same worker.
struct Tells2;

impl Step for Tells2 {
    const NAME: &'static str = "tells-2";
    type Context = Mutex<Vec<i64>>;
    type Input = u32;
    type Output = u32;
    async fn run(cx: &Attempt<Self::Context>, n: u32) -> Result<Done<u32>, StepError> {
        cx.context.lock().unwrap().push(cx.token.0);
        Ok(Done::new(n))
    }
}

/// Its first attempt blocks its thread, so that nothing can stop it from ending.
struct Zombie;

impl Step for Zombie {
    const NAME: &'static str = "zombie";
    type Context = AtomicBool;
    type Input = u32;
    type Output = i64;

    fn settings() -> StepSettings {
        quick(5)
    }

    async fn run(cx: &Attempt<Self::Context>, _: u32) -> Result<Done<i64>, StepError> {
        if cx.attempt == 1 {
            while !cx.context.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let what = format!("attempt {}", cx.attempt);
        Ok(leaving(cx, what, cx.token.0))
    }
}

/// As a sweeper does with a lease that has run out.
const TAKE: &str = "WITH lost AS (DELETE FROM workflows.leases RETURNING task_id, token),
    task AS (UPDATE workflows.tasks t SET token = lost.token, interruptions = interruptions + 1
             FROM lost WHERE t.task_id = lost.task_id RETURNING t.*)
    INSERT INTO workflows.ready SELECT lane, key, rank, task_id FROM task";

#[test]
fn an_attempt_from_before_the_clock_was_set_back_writes_nothing() {
    let (observer, old, new) = (runtime(), runtime(), runtime());
    let world = observer.block_on(World::new());
    let released = Arc::new(AtomicBool::new(false));
    let route = Workflow::named("haunted", 1)
        .step::<Zombie>()
        .build()
        .with_context(Arc::clone(&released));
    let subject = observer.block_on(world.start(&route, &1));
    observer.block_on(clock_is_set_back_before_the_start(&world));
    let engine = |runtime: &Runtime| {
        let _guard = runtime.enter();
        world.engine(&route)
    };
    let first = engine(&old);
    observer.block_on(async {
        let claimed = async || (world.count("leases").await == 1).then_some(());
        world
            .within(AT_ONCE * 3, "the first attempt", claimed)
            .await;
        let zombie: i64 = sqlx::query_scalar("SELECT token FROM workflows.leases")
            .fetch_one(&world.pool)
            .await
            .unwrap();
        // Nobody takes it in the old process.
        let second = engine(&new);
        world.execute(TAKE).await;
        world.reaches(subject, "succeeded").await;
        let winner = world.result(subject).await;
        assert!(winner.as_i64().unwrap() > zombie, "{winner} after {zombie}");
        released.store(true, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(
            world.effects(subject).await,
            ["attempt 2"],
            "the zombie wrote nothing"
        );
        assert_eq!(world.result(subject).await, winner);
        for engine in [first, second] {
            engine.stop().await;
        }
    });
}

async fn clock_is_set_back_before_the_start(world: &World) {
    let sql = format!("UPDATE workflows.tasks SET token = ({AHEAD})");
    let sql = sqlx::AssertSqlSafe(sql);
    sqlx::query(sql).execute(&world.pool).await.unwrap();
}

fn runtime() -> Runtime {
    Runtime::new().unwrap()
}
