//! A dependency that is down.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use uuid::Uuid;
use workflows::{
    Attempt, Done, NextOnError, Step, StepError, Workflow,
    admin::{explain::Answer, queues},
};

use crate::world::{World, leaving, quick, slots, step};

static DOWN: AtomicBool = AtomicBool::new(true);
static ASKED: AtomicU32 = AtomicU32::new(0);

struct Fetch;
impl Step for Fetch {
    const NAME: &'static str = "fetch";
    const NEEDS: &'static [&'static str] = &["store"];
    type Context = ();
    type Input = u32;
    type Output = u32;
    async fn run(cx: &Attempt, n: u32) -> Result<Done<u32>, StepError> {
        ASKED.fetch_add(1, Ordering::SeqCst);
        if DOWN.load(Ordering::SeqCst) {
            return Err("connection refused").or_unavailable("store");
        }
        Ok(leaving(cx, "fetch", n))
    }
}
step!(Local "local": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, "local", n)));

/// Each task that waits names the breaker, and so does its queue.
async fn says_what_holds_it(world: &World, subjects: &[Uuid], name: &str) {
    let held = async || {
        for subject in subjects {
            if let Answer::DependencyDown {
                dependency, error, ..
            } = world.answer(*subject).await
            {
                return Some((dependency, error));
            }
        }
        None
    };
    let (dependency, error) = world.until("a task to say what holds it", held).await;
    assert_eq!(
        (dependency.as_str(), error.as_str()),
        (name, "connection refused")
    );
    let queues = queues::list(&world.pool).await.unwrap();
    let open = queues.iter().flat_map(|queue| &queue.breakers);
    let open: Vec<&str> = open.map(|breaker| breaker.dependency.as_str()).collect();
    assert_eq!(open, [name]);
}

#[tokio::test]
async fn an_outage_spends_nobodys_budget_and_everything_goes_on_by_itself() {
    let world = World::new().await;
    let needy = Workflow::named("needy", 1).step::<Fetch>().build();
    let local = Workflow::named("local", 1).step::<Local>().build();
    let engine = workflows::Engine::new(&world.pool, slots(4));
    let engine = World::run(engine.register(&needy).register(&local));
    let mut subjects = Vec::new();
    for n in 0..40 {
        subjects.push(world.start(&needy, &n).await);
    }
    let open = "SELECT EXISTS (SELECT FROM workflows.breakers WHERE dependency = 'store')";
    let is_open = async || {
        let open = sqlx::query_scalar::<_, bool>(open).fetch_one(&world.pool);
        open.await.unwrap()
    };
    world
        .until("the breaker to open", async || {
            is_open().await.then_some(())
        })
        .await;
    says_what_holds_it(&world, &subjects, "store").await;
    let before = ASKED.load(Ordering::SeqCst);
    let other = world.start(&local, &1).await;
    world.reaches(other, "succeeded").await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let probes = ASKED.load(Ordering::SeqCst) - before;
    assert!(
        (1..=12).contains(&probes),
        "{probes} attempts in 4 seconds of outage"
    );
    DOWN.store(false, Ordering::SeqCst);
    for subject in subjects {
        world.reaches(subject, "succeeded").await;
    }
    assert!(!is_open().await, "the breaker is closed");
    let charged =
        "SELECT count(*) FROM workflows.attempts WHERE outcome NOT IN ('done', 'unavailable')";
    let charged: i64 = sqlx::query_scalar(charged)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(charged, 0);
    world.assert_idle().await;
    engine.stop().await;
}

static FULL: AtomicBool = AtomicBool::new(true);
step!(Disk "disk": u32 => u32, quick(3), |cx, n| {
    if FULL.load(Ordering::SeqCst) {
        // Nothing that the step declares: only this machine has it.
        return Err("connection refused").or_unavailable("machine a");
    }
    Ok(leaving(cx, "disk", n))
});

#[tokio::test]
async fn what_no_step_declares_is_seen_too_and_is_over_with_the_first_success() {
    let world = World::new().await;
    let route = Workflow::named("full", 1).step::<Disk>().build();
    let engine = World::run(workflows::Engine::new(&world.pool, slots(4)).register(&route));
    let mut subjects = Vec::new();
    for n in 0..20 {
        subjects.push(world.start(&route, &n).await);
    }
    says_what_holds_it(&world, &subjects, "machine a").await;
    FULL.store(false, Ordering::SeqCst);
    for subject in subjects {
        world.reaches(subject, "succeeded").await;
    }
    let closed = async || (world.count("breakers").await == 0).then_some(());
    world.until("the breaker to close", closed).await;
    let charged = "SELECT count(*) FROM workflows.attempts WHERE outcome = 'error'";
    let charged: i64 = sqlx::query_scalar(charged)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(charged, 0);
    engine.stop().await;
}
