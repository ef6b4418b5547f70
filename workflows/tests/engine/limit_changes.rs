//! Limits that come and go, what they count, and what they say.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use uuid::Uuid;
use workflows::{
    Attempt, Done, Step, StepError, Workflow,
    admin::{
        Actor, AdminError, audit,
        explain::Answer,
        limits::{self, HeldBy, Limit},
    },
};

use crate::{
    limits::{Gauge, at_once, limit, wide},
    world::{BY, World, leaving, quick, step},
};

static HOLDS: AtomicBool = AtomicBool::new(true);
static HELD: Gauge = Gauge::new();
struct Hold;
impl Step for Hold {
    const NAME: &'static str = "hold";
    const QUEUE: &'static str = "narrow";
    type Context = ();
    type Input = u32;
    type Output = u32;
    async fn run(cx: &Attempt, n: u32) -> Result<Done<u32>, StepError> {
        HELD.enter();
        while HOLDS.load(Ordering::SeqCst) && !cx.cancelled.is_cancelled() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        HELD.leave();
        Ok(Done::new(n))
    }
}
step!(Other "other": u32 => u32, quick(1), |cx, n| Ok(leaving(cx, "other", n)));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_already_counts_and_whoever_is_held_can_tell_why() {
    let world = World::new().await;
    let route = Workflow::named("held", 1).step::<Hold>().build();
    let other = Workflow::named("other", 1).step::<Other>().build();
    let nobody = limits::set(&world.pool, "narrow", at_once(2), BY).await;
    assert!(
        matches!(nobody, Err(AdminError::NotFound { .. })),
        "{nobody:?}"
    );
    let engine = workflows::Engine::new(&world.pool, wide());
    let engine = World::run(engine.register(&route).register(&other));
    let mut subjects = Vec::new();
    for n in 0..3 {
        subjects.push(world.start(&route, &n).await);
    }
    world
        .until("three to run", async || (HELD.most() == 3).then_some(()))
        .await;
    limit(&world, at_once(2)).await;
    let [entry] = limits::list(&world.pool).await.unwrap().try_into().unwrap();
    assert_eq!(
        (entry.limit, entry.running, &*entry.set_by),
        (at_once(2), 3, BY.name)
    );
    let late = world.start(&route, &9).await;
    let free = world.start(&other, &1).await;
    world.reaches(free, "succeeded").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let Answer::HeldByLimit {
        held_by,
        limit: shown,
        running,
        ahead,
        ..
    } = world.answer(late).await
    else {
        panic!("the limit holds it: {:?}", world.answer(late).await)
    };
    assert_eq!(
        (held_by, shown, running, ahead),
        (HeldBy::Concurrency, at_once(2), 3, 0)
    );
    assert_eq!(HELD.most(), 3);

    limits::remove(&world.pool, "narrow", BY).await.unwrap();
    world
        .until("the late one to run", async || {
            (HELD.most() == 4).then_some(())
        })
        .await;
    HOLDS.store(false, Ordering::SeqCst);
    for subject in subjects.into_iter().chain([late]) {
        world.reaches(subject, "succeeded").await;
    }
    let entries = audit::list(&world.pool, Some("narrow"), None, 10)
        .await
        .unwrap();
    let actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["queue.unlimit", "queue.limit"]);
    assert_eq!(entries[1].details["concurrency"], 2);
    engine.stop().await;
}

static DIES: AtomicBool = AtomicBool::new(true);
static AFTER: Gauge = Gauge::new();
struct Mortal;
impl Step for Mortal {
    const NAME: &'static str = "mortal";
    const QUEUE: &'static str = "narrow";
    type Context = ();
    type Input = u32;
    type Output = u32;
    async fn run(cx: &Attempt, n: u32) -> Result<Done<u32>, StepError> {
        if DIES.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        AFTER.enter();
        tokio::time::sleep(Duration::from_millis(10)).await;
        AFTER.leave();
        Ok(leaving(cx, "mortal", n))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_process_had_does_not_count_for_ever() {
    let world = World::new().await;
    let route = Workflow::named("mortal", 1).step::<Mortal>().build();
    let mut subjects: Vec<Uuid> = vec![world.start(&route, &0).await];
    limit(&world, at_once(2)).await;
    for n in 1..8 {
        subjects.push(world.start(&route, &n).await);
    }
    let doomed = world.engine_with(&route, wide());
    world
        .until("two to run", async || {
            (world.count("leases").await == 2).then_some(())
        })
        .await;
    drop(doomed);
    DIES.store(false, Ordering::SeqCst);
    let engine = world.engine_with(&route, wide());
    for subject in subjects {
        world.reaches(subject, "succeeded").await;
    }
    assert!(
        AFTER.most() <= 2,
        "those that are tried apart count as well"
    );
    engine.stop().await;
}

#[tokio::test]
async fn a_limit_that_makes_no_sense_is_refused() {
    let world = World::new().await;
    let route = Workflow::named("held", 1).step::<Hold>().build();
    world.start(&route, &0).await;
    let rate = |per_second| Limit {
        per_second: Some(per_second),
        ..Limit::default()
    };
    for wrong in [
        Limit::default(),
        at_once(0),
        at_once(u32::MAX),
        rate(0.0),
        rate(f64::NAN),
    ] {
        let refused = limits::set(&world.pool, "narrow", wrong, BY).await;
        assert!(
            matches!(refused, Err(AdminError::Conflict(_))),
            "{refused:?}"
        );
    }
    let no_reason = limits::set(&world.pool, "narrow", at_once(1), Actor::new("tester", " ")).await;
    assert!(matches!(no_reason, Err(AdminError::NoReason)));
    let none = limits::remove(&world.pool, "narrow", BY).await;
    assert!(matches!(none, Err(AdminError::Conflict(_))), "{none:?}");
}
