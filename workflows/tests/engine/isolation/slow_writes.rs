//! A write that waits for a row that somebody else holds. It waits alone, and pays nothing.

use std::time::Duration;

use futures::FutureExt;
use tokio::time::{Instant, sleep, sleep_until};
use workflows::{Done, Engine, FanOut, Joined, Workflow};

use super::{Declared, add_one, adding};
use crate::{
    evidence::{AT_ONCE, Executions, OTHER, innocent},
    world::{World, config, quick, step},
};

/// How long somebody holds the row.
const HELD: Duration = Duration::from_secs(8);

async fn a_row_is_held(declared: Declared) {
    let world = World::new().await;
    world.app_table(30).await;
    let executions = Executions::default();
    let route = adding(declared, &executions);
    let stranger = world.stranger("UPDATE app SET v = v WHERE id = 1").await;
    let freed = Instant::now() + HELD;
    let engine = Engine::new(&world.pool, config());
    let engine = World::run(engine.register(&route).register(&innocent()));
    let blocked = world.start(&route, &1).await;
    let executed = async || (executions.total() == 1).then_some(());
    world
        .within(AT_ONCE * 3, "the step to be executed", executed)
        .await;
    sleep(Duration::from_millis(300)).await;
    // Again and again: it must not come in waves.
    let (mut others, mut adding) = (0, 0);
    while Instant::now() + AT_ONCE < freed {
        for row in 2..12 {
            world.start_for(OTHER, &route.starter(), &row).await;
        }
        (others, adding) = (others + 20, adding + 10);
        world.others_go_on().await;
        world.succeed("adding", adding, AT_ONCE).await;
        sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(world.state_of(blocked).await, "running", "its row is held");
    sleep_until(freed).await;
    stranger.let_go().await;
    world
        .succeed("adding", adding + 1, Duration::from_secs(5))
        .await;
    world.assert_each_done_once(others + adding + 1).await;
    executions.assert_once_each(usize::try_from(adding).unwrap() + 1);
    assert_eq!(world.app_sum().await, adding + 1);
    engine.stop().await;
}

#[tokio::test]
async fn a_write_that_waits_for_a_row_holds_up_no_other() {
    a_row_is_held(Declared::Any).await;
}

#[tokio::test]
async fn nor_does_one_that_wrongly_says_that_its_rows_are_its_own() {
    a_row_is_held(Declared::OwnRows).await;
}

step!(Spread "spread": i32 => FanOut<i32, ()>, quick(3), |_cx, n| {
    Ok(Done::new(FanOut { children: (1..=n).collect(), carry: () }))
});
step!(AddAny "child": i32 => i32, quick(3), |_cx, row| {
    Ok(Declared::Any.recording(Done::new(row), move |tx| add_one(tx, row).boxed()))
});
step!(AddOwn "child": i32 => i32, quick(3), |_cx, row| {
    Ok(Declared::OwnRows.recording(Done::new(row), move |tx| add_one(tx, row).boxed()))
});
step!(Gather "gather": Joined<(), i32> => usize, quick(3), |_cx, joined| {
    Ok(Done::new(joined.children.len()))
});

fn wide(declared: Declared) -> Workflow<i32> {
    let spread = Workflow::named("wide", 1).step::<Spread>();
    match declared {
        Declared::Any => spread.fan_out::<AddAny>().join::<Gather>().build(),
        Declared::OwnRows => spread.fan_out::<AddOwn>().join::<Gather>().build(),
    }
}

/// What the slowest of the innocent runs took, in seconds.
async fn slowest(world: &World) -> f64 {
    let sql = "SELECT max(extract(epoch FROM ended_at - created_at))::float8 FROM workflows.runs
               WHERE workflow = 'innocent'";
    sqlx::query_scalar(sql)
        .fetch_one(&world.pool)
        .await
        .unwrap()
}

/// The settlements of its siblings need the run that its own transaction has locked.
async fn a_child_is_held(declared: Declared) {
    const CHILDREN: i32 = 24;
    let world = World::new().await;
    world.app_table(CHILDREN).await;
    let stranger = world.stranger("UPDATE app SET v = v WHERE id = 1").await;
    let engine = || {
        let engine = Engine::new(&world.pool, config());
        World::run(engine.register(&wide(declared)).register(&innocent()))
    };
    let engines = [engine(), engine()];
    let subject = world.start(&wide(declared), &CHILDREN).await;
    for _ in 0..40 {
        world.start_innocents(1).await;
        sleep(Duration::from_millis(100)).await;
    }
    world.succeed("innocent", 40, AT_ONCE).await;
    let slowest = slowest(&world).await;
    assert!(slowest < 1.0, "one of the others took {slowest} s");
    let done = i64::from(CHILDREN) - 1;
    let siblings = async || (world.app_sum().await == done).then_some(());
    world
        .within(AT_ONCE, "the siblings to be done", siblings)
        .await;
    stranger.let_go().await;
    world.reaches(subject, "succeeded").await;
    assert_eq!(world.app_sum().await, done + 1);
    world
        .assert_each_done_once(40 + i64::from(CHILDREN) + 2)
        .await;
    for engine in engines {
        engine.stop().await;
    }
}

#[tokio::test]
async fn a_held_child_of_a_fan_out_holds_up_nobody_in_any_process() {
    a_child_is_held(Declared::Any).await;
}

#[tokio::test]
async fn nor_does_one_in_a_shared_transaction() {
    a_child_is_held(Declared::OwnRows).await;
}
