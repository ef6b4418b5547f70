//! A deploy moves a step to another queue. What the old build made goes on in the new one.

use std::{sync::LazyLock, time::Duration};

use tokio::{sync::Semaphore, time::sleep};
use workflows::{
    Attempt, Done, EngineConfig, FanOut, Joined, NextOnError, Step, StepError, StepSettings,
    Workflow,
    admin::{dead_letters, explain::Answer, queues},
};

use crate::world::{BY, World, config, leaving, quick, slots, step};

/// The same step, in two builds.
macro_rules! build_of {
    ($type:ident in $queue:literal, |$context:ident, $n:ident| $body:expr) => {
        struct $type;
        impl Step for $type {
            const NAME: &'static str = "transcode";
            const QUEUE: &'static str = $queue;
            type Context = ();
            type Input = u32;
            type Output = u32;
            fn settings() -> StepSettings {
                quick(1)
            }
            async fn run($context: &Attempt, $n: u32) -> Result<Done<u32>, StepError> {
                $body
            }
        }
    };
}

build_of!(OnCpu in "cpu", |context, n| {
    sleep(Duration::from_millis(50)).await;
    Ok(leaving(context, format!("transcode {n}"), n))
});
build_of!(OnGpu in "gpu", |context, n| {
    sleep(Duration::from_millis(50)).await;
    Ok(leaving(context, format!("transcode {n}"), n))
});

step!(Probe "probe": u32 => u32, quick(1), |cx, n| Ok(leaving(cx, "probe", n)));
step!(Spread "spread": u32 => FanOut<u32, ()>, quick(1), |_cx, n| {
    Ok(Done::new(FanOut { children: (0..n).collect(), carry: () }))
});
step!(Gather "gather": Joined<(), u32> => usize, quick(1), |_cx, joined| {
    Ok(Done::new(joined.children.len()))
});

fn old_build() -> Workflow<u32> {
    Workflow::named("media", 1)
        .step::<Probe>()
        .step::<OnCpu>()
        .build()
}

fn new_build() -> Workflow<u32> {
    Workflow::named("media", 1)
        .step::<Probe>()
        .step::<OnGpu>()
        .build()
}

/// An engine that leaves the tasks of a queue to others.
fn without(queue: &str) -> EngineConfig {
    let mut config = config();
    config.queues.push((queue.to_owned(), 0));
    config
}

/// Takes runs up to the step, which waits in its queue.
async fn up_to_the_step(world: &World, runs: u32) -> Vec<uuid::Uuid> {
    let engine = world.engine_with(&old_build(), without("cpu"));
    let mut subjects = Vec::new();
    for n in 0..runs {
        subjects.push(world.start(&old_build(), &n).await);
    }
    for subject in &subjects {
        let probed = async || (world.effects(*subject).await == ["probe"]).then_some(());
        world
            .within(Duration::from_secs(10), "the first step", probed)
            .await;
    }
    engine.stop().await;
    queues::pause(&world.pool, "cpu", BY).await.unwrap();
    subjects
}

#[tokio::test]
async fn what_the_old_build_left_is_done_by_the_new_one() {
    let world = World::new().await;
    let subjects = up_to_the_step(&world, 5).await;
    // The old queue is still paused, which is nobody's affair any more.
    let engine = world.engine(&new_build());
    for (n, subject) in (0..).zip(subjects) {
        world.reaches(subject, "succeeded").await;
        assert_eq!(
            world.effects(subject).await,
            ["probe".to_owned(), format!("transcode {n}")]
        );
    }
    world.assert_idle().await;
    engine.stop().await;
}

#[tokio::test]
async fn the_explanation_names_the_queue_in_which_it_waits() {
    let world = World::new().await;
    let subject = up_to_the_step(&world, 1).await[0];
    let idle = world.engine_with(&new_build(), without("gpu"));
    let unserved = async || match world.answer(subject).await {
        Answer::NoWorker { queue, .. } => (queue == "gpu").then_some(()),
        _ => None,
    };
    let patience = Duration::from_secs(5);
    world
        .within(patience, "an answer that nobody serves gpu", unserved)
        .await;
    queues::pause(&world.pool, "gpu", BY).await.unwrap();
    let engine = world.engine(&new_build());
    let paused = async || match world.answer(subject).await {
        Answer::QueuePaused { queue, .. } => (queue == "gpu").then_some(()),
        _ => None,
    };
    world
        .within(patience, "an answer that gpu is paused", paused)
        .await;
    queues::resume(&world.pool, "gpu", BY).await.unwrap();
    world.reaches(subject, "succeeded").await;
    for engine in [idle, engine] {
        engine.stop().await;
    }
}

static GATE: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(0));
build_of!(Gated in "gpu", |_context, n| {
    let _permit = GATE.acquire().await;
    Ok(Done::new(n))
});

#[tokio::test]
async fn and_says_that_it_waits_for_a_slot_there() {
    let world = World::new().await;
    let subjects = up_to_the_step(&world, 2).await;
    let gated = Workflow::named("media", 1)
        .step::<Probe>()
        .step::<Gated>()
        .build();
    // A queue that is not named gets one.
    let engine = world.engine_with(&gated, slots(2));
    let waits = async || {
        let answers = [
            world.answer(subjects[0]).await,
            world.answer(subjects[1]).await,
        ];
        let waits = |answer: &Answer| matches!(answer, Answer::WaitingForSlot { queue, .. } if queue == "gpu");
        answers.iter().any(waits).then_some(())
    };
    world
        .within(
            Duration::from_secs(5),
            "one to wait for the slot of gpu",
            waits,
        )
        .await;
    GATE.add_permits(2);
    for subject in subjects {
        world.reaches(subject, "succeeded").await;
    }
    engine.stop().await;
}

#[tokio::test]
async fn in_a_rolling_deploy_both_builds_work_and_each_run_is_done_once() {
    let world = World::new().await;
    let few = || EngineConfig {
        queues: ["default", "cpu", "gpu"]
            .map(|queue| (queue.to_owned(), 2))
            .to_vec(),
        ..config()
    };
    let engines = [
        world.engine_with(&old_build(), few()),
        world.engine_with(&new_build(), few()),
    ];
    let mut subjects = Vec::new();
    for n in 0..20 {
        subjects.push(world.start(&old_build(), &n).await);
        subjects.push(world.start(&new_build(), &n).await);
    }
    for subject in subjects {
        world.reaches(subject, "succeeded").await;
        assert_eq!(world.effects(subject).await.len(), 2, "each step once");
    }
    let workers = "SELECT count(DISTINCT worker_id) FROM workflows.attempts
                   JOIN workflows.lanes USING (lane) WHERE step = 'transcode'";
    let workers: i64 = sqlx::query_scalar(workers)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(workers, 2, "both builds had a part in it");
    world.assert_each_done_once(80).await;
    for engine in engines {
        engine.stop().await;
    }
}

build_of!(Failing in "cpu", |_context, _n| Err("not in this build").or_retry());

#[tokio::test]
async fn a_letter_of_the_old_build_is_re_driven_into_the_new_queue() {
    let world = World::new().await;
    let old = Workflow::named("media", 1).step::<Failing>().build();
    let engine = world.engine(&old);
    let subject = world.start(&old, &1).await;
    world.reaches(subject, "dead").await;
    engine.stop().await;
    let new = Workflow::named("media", 1).step::<OnGpu>().build();
    let engine = world.engine(&new);
    let letter = world.letter().await;
    dead_letters::redrive(&world.pool, letter.letter_id, None, BY)
        .await
        .unwrap();
    world.reaches(subject, "succeeded").await;
    engine.stop().await;
}

#[tokio::test]
async fn children_of_the_old_build_are_joined_by_the_new_one() {
    let world = World::new().await;
    let (old, new) = (Workflow::named("wide", 1), Workflow::named("wide", 1));
    let old = old
        .step::<Spread>()
        .fan_out::<OnCpu>()
        .join::<Gather>()
        .build();
    let new = new
        .step::<Spread>()
        .fan_out::<OnGpu>()
        .join::<Gather>()
        .build();
    let engine = world.engine_with(&old, without("cpu"));
    let subject = world.start(&old, &6).await;
    let spread = async || (world.count("fan_outs").await == 1).then_some(());
    world
        .within(Duration::from_secs(20), "the children", spread)
        .await;
    engine.stop().await;
    let engine = world.engine(&new);
    world.reaches(subject, "succeeded").await;
    assert_eq!(world.result(subject).await, 6);
    engine.stop().await;
}
