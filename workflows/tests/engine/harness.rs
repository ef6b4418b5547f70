//! The harness for tests of workflows: hours pass at once, and what is stuck says why.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use uuid::Uuid;
use workflows::{
    Attempt, Backoff, Done, EngineConfig, NextOnError, Step, StepError, StepSettings, Workflow,
    admin::{
        explain::{Answer, Lack},
        queues,
    },
    testing::{Harness, NotEnded, run_to_end},
    wait::End,
};

use crate::world::{BY, World, quick, step};

fn hourly() -> StepSettings {
    let hour = Duration::from_hours(1);
    StepSettings {
        backoff: Backoff {
            first: hour,
            cap: hour,
            attempts: 5,
            ..Backoff::default()
        },
        ..StepSettings::default()
    }
}
step!(Stubborn "stubborn": u32 => u32, hourly(), |cx, n| {
    if cx.attempt <= n {
        return Err("come back in an hour").or_retry();
    }
    Ok(Done::new(cx.attempt))
});

#[tokio::test]
async fn hours_pass_at_once() {
    let world = World::new().await;
    let route = Workflow::named("stubborn", 1).step::<Stubborn>().build();
    let began = Instant::now();
    let ended = run_to_end(&world.pool, &route, &3).await.unwrap();
    assert_eq!(ended.output(), Some(4));
    assert_eq!(ended.output::<String>(), None);
    let outcomes: Vec<&str> = ended.attempts.iter().map(|a| a.outcome.as_str()).collect();
    assert_eq!(outcomes, ["error", "error", "error", "done"]);
    let dead = run_to_end(&world.pool, &route, &99).await.unwrap();
    let (step, error) = ("stubborn".to_owned(), "come back in an hour".to_owned());
    assert_eq!(dead.end, End::Dead { step, error });

    let mut tx = world.pool.begin().await.unwrap();
    let later = route.starter().delay(Duration::from_hours(1_000));
    let run = later
        .start(&mut tx, Uuid::now_v7(), "owner", &0)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let harness = Harness::new(&world.pool, EngineConfig::default()).with(&route);
    let ended = harness.finish(run).await.unwrap();
    assert_eq!((ended.run, ended.output()), (run, Some(1)));
    assert!(
        began.elapsed() < Duration::from_mins(1),
        "{:?}",
        began.elapsed()
    );
}

static ASKED: AtomicU32 = AtomicU32::new(0);
struct Fetch;
impl Step for Fetch {
    const NAME: &'static str = "fetch";
    const NEEDS: &'static [&'static str] = &["a store"];
    type Context = ();
    type Input = u32;
    type Output = u32;
    async fn run(_: &Attempt, n: u32) -> Result<Done<u32>, StepError> {
        if ASKED.fetch_add(1, Ordering::SeqCst) < 7 {
            return Err("connection refused").or_unavailable("a store");
        }
        Ok(Done::new(n))
    }
}

#[tokio::test]
async fn an_outage_is_over_at_once() {
    let world = World::new().await;
    let route = Workflow::named("needy", 1).step::<Fetch>().build();
    let ended = run_to_end(&world.pool, &route, &5).await.unwrap();
    assert_eq!((ended.output(), ended.attempts.len()), (Some(5), 8));
}

step!(Hang "hang": u32 => u32, quick(1), |cx, n| {
    cx.cancelled.cancelled().await;
    Ok(Done::new(n))
});

#[tokio::test]
async fn what_is_stuck_says_why() {
    let world = World::new().await;
    let route = Workflow::named("hanging", 1).step::<Hang>().build();
    let stuck = async |harness: Harness| match harness.run(&route, &1).await {
        Err(NotEnded::Stuck(why)) => why.answer,
        other => panic!("{other:?}"),
    };
    let short = Harness::new(&world.pool, EngineConfig::default()).limit(Duration::from_secs(3));
    assert!(matches!(stuck(short).await, Answer::Running { .. }));

    let no_slots = EngineConfig {
        queues: vec![("default".to_owned(), 0)],
        ..EngineConfig::default()
    };
    let nobody = stuck(Harness::new(&world.pool, no_slots)).await;
    assert!(
        matches!(
            nobody,
            Answer::NoWorker {
                lack: Lack::Slots,
                ..
            }
        ),
        "{nobody:?}"
    );

    queues::pause(&world.pool, "default", BY).await.unwrap();
    let harness = Harness::new(&world.pool, EngineConfig::default());
    let text = harness.run(&route, &1).await.unwrap_err().to_string();
    assert!(
        text.contains("queue_paused") && text.contains("tester"),
        "{text}"
    );
}
