//! Runs that go well.

use std::time::Duration;

use uuid::Uuid;
use workflows::{EngineConfig, Workflow};

use crate::world::{World, config, leaving, quick, step};

step!(Add "add": i64 => i64, quick(3), |cx, n| Ok(leaving(cx, "add", n + 1)));
step!(Double "double": i64 => i64, quick(3), |cx, n| Ok(leaving(cx, "double", n * 2)));

fn arithmetic() -> Workflow<i64> {
    Workflow::named("arithmetic", 1)
        .step(Add)
        .step(Double)
        .build()
}

#[tokio::test]
async fn steps_run_in_order_and_leave_nothing_behind() {
    let world = World::new().await;
    let route = arithmetic();
    let engine = world.engine(&route);
    let subject = world.start(&route, &20).await;
    world.reaches(subject, "succeeded").await;
    assert_eq!(world.result(subject).await, 42);
    assert_eq!(world.effects(subject).await, ["add", "double"]);
    world.assert_idle().await;
    engine.stop().await;
}

#[tokio::test]
async fn a_start_that_is_rolled_back_never_was() {
    let world = World::new().await;
    let route = arithmetic();
    let mut tx = world.pool.begin().await.unwrap();
    route
        .starter()
        .start(&mut tx, Uuid::now_v7(), "owner", &1)
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(
        (world.count("runs").await, world.count("ready").await),
        (0, 0)
    );
}

#[tokio::test]
async fn an_idle_engine_hears_of_new_work_without_polling() {
    let world = World::new().await;
    let route = arithmetic();
    let hour = Duration::from_hours(1);
    let engine = world.engine_with(
        &route,
        EngineConfig {
            poll: hour,
            sweep: hour,
            ..config()
        },
    );
    // The first run may be found by the look at the start, the later ones only by notification.
    for input in 0..3 {
        let subject = world.start(&route, &input).await;
        world.reaches(subject, "succeeded").await;
    }
    engine.stop().await;
}

#[tokio::test]
async fn many_runs_on_two_engines_each_happen_once() {
    let world = World::new().await;
    let route = arithmetic();
    let mut subjects = Vec::new();
    for input in 0..200 {
        subjects.push(world.start(&route, &input).await);
    }
    let engines = [world.engine(&route), world.engine(&route)];
    for (input, subject) in (0..200).zip(&subjects) {
        world.reaches(*subject, "succeeded").await;
        assert_eq!(world.result(*subject).await, (input + 1) * 2);
        assert_eq!(world.effects(*subject).await, ["add", "double"]);
    }
    world.assert_idle().await;
    for engine in engines {
        engine.stop().await;
    }
}
