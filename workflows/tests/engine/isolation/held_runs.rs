//! Somebody holds the row of a run: a frozen process in the middle of its transaction, or a person
//! with a client. That run waits, and no other.

use std::time::Duration;

use tokio::{
    runtime::Runtime,
    time::{Instant, sleep, sleep_until},
};
use workflows::{Attempt, Done, Engine, EngineConfig, Step, StepError, Workflow};

use super::{Declared, adding};
use crate::{
    evidence::{AT_ONCE, Executions, innocent},
    world::{World, config, quick},
};

const HELD: Duration = Duration::from_secs(8);

async fn its_run_is_held(declared: Declared) {
    let world = World::new().await;
    world.app_table(1).await;
    let executions = Executions::default();
    let route = adding(declared, &executions);
    let held = world.start(&route, &1).await;
    let stranger = world
        .stranger("SELECT FROM workflows.runs FOR UPDATE")
        .await;
    let freed = Instant::now() + HELD;
    let engine = Engine::new(&world.pool, config());
    let engine = World::run(engine.register(&route).register(&innocent()));
    let executed = async || (executions.total() == 1).then_some(());
    world
        .within(AT_ONCE * 3, "the step to be executed", executed)
        .await;
    while Instant::now() + AT_ONCE < freed {
        world.others_go_on().await;
        sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(world.state_of(held).await, "running", "it is held");
    sleep_until(freed).await;
    stranger.let_go().await;
    world.succeed("adding", 1, Duration::from_secs(5)).await;
    executions.assert_once_each(1);
    assert_eq!(world.app_sum().await, 1);
    assert_eq!(world.attempts_of("adding").await, ["done"]);
    world.assert_innocents_untouched().await;
    engine.stop().await;
}

#[tokio::test]
async fn a_held_run_goes_on_when_it_is_free_and_pays_nothing() {
    its_run_is_held(Declared::OwnRows).await;
}

#[tokio::test]
async fn so_does_one_that_has_a_transaction_of_its_own() {
    its_run_is_held(Declared::Any).await;
}

const TASKS: i32 = 20;

/// Lasts until its process is gone, and is done at once in the next.
struct Outliving;

impl Step for Outliving {
    const NAME: &'static str = "outliving";
    type Context = Executions;
    type Input = i32;
    type Output = i32;

    fn settings() -> workflows::StepSettings {
        quick(1)
    }

    async fn run(cx: &Attempt<Executions>, n: i32) -> Result<Done<i32>, StepError> {
        if cx.attempt == 1 {
            std::future::pending::<()>().await;
        }
        cx.context.note(cx);
        Ok(Done::new(n))
    }
}

/// One run of a killed worker is held; the others need not wait for it.
#[test]
fn a_held_run_of_a_killed_worker_does_not_keep_the_others_from_rescue() {
    let survivor = Runtime::new().unwrap();
    let world = survivor.block_on(World::new());
    let executions = Executions::default();
    let route = Workflow::named("lost", 1)
        .step::<Outliving>()
        .build()
        .with_context(executions.clone());
    // Only the death of the process tells.
    let hour = || EngineConfig {
        lease: Duration::from_hours(1),
        ..config()
    };
    let doomed = Runtime::new().unwrap();
    survivor.block_on(async {
        for n in 0..TASKS {
            world.start(&route, &n).await;
        }
    });
    let engine = {
        let _guard = doomed.enter();
        world.engine_with(&route, hour())
    };
    survivor.block_on(async {
        let claimed = async || (world.count("leases").await == i64::from(TASKS)).then_some(());
        world
            .within(AT_ONCE * 5, "all to be claimed", claimed)
            .await;
        let hold = "SELECT FROM workflows.runs ORDER BY run_id LIMIT 1 FOR UPDATE";
        let stranger = world.stranger(hold).await;
        let next = world.engine_with(&route, hour());
        sleep(Duration::from_secs(1)).await;
        std::mem::forget(engine);
        doomed.shutdown_background();
        let killed = Instant::now();
        let others = i64::from(TASKS) - 1;
        world.succeed("lost", others, Duration::from_secs(4)).await;
        sleep_until(killed + HELD).await;
        assert_eq!(world.runs_in("lost", "running").await, 1, "it is held");
        stranger.let_go().await;
        world
            .succeed("lost", others + 1, Duration::from_secs(5))
            .await;
        world.assert_nobody_charged().await;
        executions.assert_once_each(20);
        world.assert_idle().await;
        next.stop().await;
    });
}
