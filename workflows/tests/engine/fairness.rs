//! Whose turn it is.

use std::sync::{LazyLock, Mutex};

use workflows::Workflow;

use crate::world::{World, leaving, quick, slots, step};

static SERVED: LazyLock<Mutex<Vec<u32>>> = LazyLock::new(Mutex::default);
step!(Serve "serve": u32 => u32, quick(3), |cx, n| {
    SERVED.lock().unwrap().push(n);
    Ok(leaving(cx, "serve", n))
});
step!(Finish "finish": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, "finish", n)));

#[tokio::test]
async fn a_burst_of_one_key_delays_another_by_about_one_task_a_slot() {
    let world = World::new().await;
    let route = Workflow::named("fair", 1).step::<Serve>().build();
    for n in 0..2_000 {
        world.start_for("burst", &route.starter(), &n).await;
    }
    let late = world.start_for("late", &route.starter(), &99_999).await;
    let engine = world.engine_with(&route, slots(2));
    world.reaches(late, "succeeded").await;
    let place = SERVED
        .lock()
        .unwrap()
        .iter()
        .position(|n| *n == 99_999)
        .unwrap();
    assert!(
        place <= 2,
        "{place} tasks of the burst went first, with 2 slots"
    );
    engine.hasten.cancel();
    engine.stop().await;
}

static ORDER: LazyLock<Mutex<Vec<(&str, u32)>>> = LazyLock::new(Mutex::default);
step!(First "first": u32 => u32, quick(3), |_cx, n| {
    ORDER.lock().unwrap().push(("first", n));
    Ok(workflows::Done::new(n))
});
step!(Second "second": u32 => u32, quick(3), |cx, n| {
    ORDER.lock().unwrap().push(("second", n));
    Ok(leaving(cx, "second", n))
});

#[tokio::test]
async fn old_runs_are_finished_before_new_ones_begin_and_priority_is_a_head_start() {
    let world = World::new().await;
    let route = Workflow::named("order", 1)
        .step::<First>()
        .step::<Second>()
        .build();
    let mut subjects = Vec::new();
    for n in 0..3 {
        subjects.push(world.start(&route, &n).await);
    }
    let urgent = route.starter().priority(-5);
    subjects.push(world.start_for("owner", &urgent, &100).await);
    let background = route.starter().priority(5);
    let waiting = world.start_for("owner", &background, &200).await;
    subjects.push(waiting);
    subjects.push(world.start(&route, &3).await);
    // It has waited for ten minutes: that is longer than its handicap.
    let aged = world.start_for("owner", &background, &300).await;
    let age = "WITH old AS (
            UPDATE workflows.tasks t SET rank = rank - 600000000 FROM workflows.runs r
            WHERE r.run_id = t.run_id AND r.subject = $1 RETURNING t.task_id, t.rank)
        UPDATE workflows.ready r SET rank = old.rank FROM old WHERE r.task_id = old.task_id";
    sqlx::query(age)
        .bind(aged)
        .execute(&world.pool)
        .await
        .unwrap();
    subjects.push(aged);
    let engine = world.engine_with(&route, slots(1));
    for subject in subjects {
        world.reaches(subject, "succeeded").await;
    }
    let order: Vec<_> = ORDER.lock().unwrap().clone();
    let runs: Vec<u32> = order.chunks(2).map(|steps| steps[0].1).collect();
    assert!(
        order.chunks(2).all(|s| s[0].1 == s[1].1),
        "a run is finished first: {order:?}"
    );
    // -5 minutes for both: the urgent one by its priority, the old one by its age.
    assert_eq!(runs[2..], [0, 1, 2, 3, 200]);
    assert_eq!(runs[..2].iter().sum::<u32>(), 400);
    engine.stop().await;
}

#[tokio::test]
async fn each_queue_has_its_own_slots() {
    let world = World::new().await;
    let route = Workflow::named("two-steps", 1)
        .step::<Serve2>()
        .step::<Finish>()
        .build();
    let config = workflows::EngineConfig {
        queues: vec![("narrow".to_owned(), 2), ("default".to_owned(), 8)],
        ..crate::world::config()
    };
    let engine = world.engine_with(&route, config);
    let mut subjects = Vec::new();
    for n in 0..20 {
        subjects.push(world.start(&route, &n).await);
    }
    for subject in subjects {
        world.reaches(subject, "succeeded").await;
    }
    let most = *MOST.lock().unwrap();
    assert_eq!(most, (0, 2), "two at once, and both slots were used");
    engine.stop().await;
}

static MOST: Mutex<(u32, u32)> = Mutex::new((0, 0));
struct Serve2;
impl workflows::Step for Serve2 {
    const NAME: &'static str = "narrow";
    const QUEUE: &'static str = "narrow";
    type Context = ();
    type Input = u32;
    type Output = u32;
    async fn run(
        _: &workflows::Attempt,
        n: u32,
    ) -> Result<workflows::Done<u32>, workflows::StepError> {
        {
            let mut at_once = MOST.lock().unwrap();
            at_once.0 += 1;
            at_once.1 = at_once.1.max(at_once.0);
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        MOST.lock().unwrap().0 -= 1;
        Ok(workflows::Done::new(n))
    }
}

static LANES: LazyLock<Mutex<Vec<&str>>> = LazyLock::new(Mutex::default);
step!(Many "many": u32 => u32, quick(3), |_cx, n| {
    LANES.lock().unwrap().push("many");
    Ok(workflows::Done::new(n))
});
step!(Few "few": u32 => u32, quick(3), |_cx, n| {
    LANES.lock().unwrap().push("few");
    Ok(workflows::Done::new(n))
});

#[tokio::test]
async fn workflows_that_share_a_queue_take_turns() {
    let world = World::new().await;
    let many = Workflow::named("many", 1).step::<Many>().build();
    let few = Workflow::named("few", 1).step::<Few>().build();
    let mut subjects = Vec::new();
    for n in 0..50 {
        subjects.push(world.start(&many, &n).await);
    }
    for n in 0..3 {
        subjects.push(world.start(&few, &n).await);
    }
    let engine = workflows::Engine::new(&world.pool, slots(1));
    let engine = World::run(engine.register(&many).register(&few));
    for subject in subjects {
        world.reaches(subject, "succeeded").await;
    }
    let order = LANES.lock().unwrap().clone();
    let last = order.iter().rposition(|lane| *lane == "few").unwrap();
    assert!(last <= 6, "the few waited for the many: {order:?}");
    engine.stop().await;
}

#[tokio::test]
async fn a_key_with_nothing_that_this_build_can_do_holds_up_no_other() {
    let world = World::new().await;
    let theirs = Workflow::named("mixed", 1).step::<Many>().build();
    let ours = Workflow::named("mixed", 1).step::<Finish>().build();
    // Whichever key comes first, one of them is behind the other.
    for owner in ["a", "b", "c", "d"] {
        world.start_for(owner, &theirs.starter(), &1).await;
    }
    let mut subjects = Vec::new();
    for owner in ["a", "b", "c", "d", "e"] {
        subjects.push(world.start_for(owner, &ours.starter(), &1).await);
    }
    let engine = world.engine_with(&ours, slots(1));
    for subject in subjects {
        world.reaches(subject, "succeeded").await;
    }
    assert_eq!(
        world.count("ready").await,
        4,
        "the others wait for their build"
    );
    engine.stop().await;
}
