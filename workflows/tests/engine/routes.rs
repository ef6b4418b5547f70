//! Runs that go well.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;
use workflows::{Attempt, Done, EngineConfig, Step, StepError, Workflow};

use crate::world::{World, config, leaving, quick, step};

step!(Add "add": i64 => i64, quick(3), |cx, n| Ok(leaving(cx, "add", n + 1)));
step!(Double "double": i64 => i64, quick(3), |cx, n| Ok(leaving(cx, "double", n * 2)));

fn arithmetic() -> Workflow<i64> {
    Workflow::named("arithmetic", 1)
        .step::<Add>()
        .step::<Double>()
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

/// Hands on the time at which it was done, and sleeps.
struct Nap;

impl Step for Nap {
    const NAME: &'static str = "nap";
    type Context = Duration;
    type Input = i64;
    type Output = DateTime<Utc>;

    async fn run(cx: &Attempt<Duration>, _: i64) -> Result<Done<DateTime<Utc>>, StepError> {
        Ok(Done::new(Utc::now()).sleeping(*cx.context))
    }
}

step!(Elapsed "elapsed" with Duration: DateTime<Utc> => i64, quick(3), |_cx, since| {
    Ok(Done::new((Utc::now() - since).num_milliseconds()))
});

fn napping(time: Duration) -> Workflow<i64> {
    Workflow::named("napping", 1)
        .step::<Nap>()
        .step::<Elapsed>()
        .build()
        .with_context(time)
}

#[tokio::test]
async fn a_run_sleeps_without_a_slot_and_wakes_in_another_process() {
    let world = World::new().await;
    let route = napping(Duration::from_secs(2));
    let engine = world.engine(&route);
    let subject = world.start(&route, &0).await;
    let asleep = async || (world.count("deferred").await == 1).then_some(());
    world.until("the run to sleep", asleep).await;
    assert_eq!(world.count("leases").await, 0);
    engine.stop().await;
    let other = world.engine(&route);
    world.reaches(subject, "succeeded").await;
    let slept = world.result(subject).await.as_i64().expect("milliseconds");
    assert!((2_000..6_000).contains(&slept), "slept {slept} ms");
    world.assert_idle().await;
    other.stop().await;
}

#[tokio::test]
async fn a_test_need_not_wait_for_a_run_that_sleeps_for_a_month() {
    let world = World::new().await;
    let route = napping(Duration::from_hours(24 * 30));
    let ended = workflows::testing::run_to_end(&world.pool, &route, &0).await;
    assert!(ended.expect("an end").output::<i64>().is_some());
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
