//! Dead letters and what becomes of them.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::json;
use workflows::{
    Done, FanOut, Joined, Missing, NextOnError, StepError, Workflow,
    admin::{
        AdminError, Paging,
        dead_letters::{self, LetterFilter, discard, redrive, show},
    },
};

use crate::world::{BY, World, leaving, quick, step};

step!(Prepare "prepare": u32 => u32, quick(1), |_cx, n| {
    PREPARED.fetch_add(1, Ordering::SeqCst);
    Ok(Done::new(n + 1))
});
static PREPARED: AtomicU32 = AtomicU32::new(0);
static MENDED: AtomicBool = AtomicBool::new(false);
step!(Fragile "fragile": u32 => u32, quick(2), |cx, n| {
    if !MENDED.load(Ordering::SeqCst) {
        return Err("disk 7 is full").or_retry();
    }
    Ok(leaving(cx, format!("fragile {}", cx.attempt), n * 10))
});

#[tokio::test]
async fn a_letter_is_shown_whole_and_re_driven_once() {
    let world = World::new().await;
    let route = Workflow::named("fragile", 1)
        .step::<Prepare>()
        .step::<Fragile>()
        .build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &4).await;
    world.reaches(subject, "dead").await;
    let letter = world.letter().await;
    let whole = show(&world.pool, letter.letter_id).await.unwrap();
    assert_eq!((whole.input.as_str(), whole.letter.errors), ("5", 2));
    assert_eq!(letter.fingerprint.as_str(), "fragile: disk # is full");
    let attempts = whole.attempts;
    let history: Vec<_> = attempts
        .iter()
        .map(|a| (a.step.as_str(), a.outcome.as_str()))
        .collect();
    assert_eq!(
        history,
        [
            ("prepare", "done"),
            ("fragile", "error"),
            ("fragile", "error")
        ]
    );
    assert!(
        attempts
            .iter()
            .all(|a| a.worker.is_some() && a.build.is_some())
    );

    MENDED.store(true, Ordering::SeqCst);
    // Twice by accident, at the same time.
    let (first, second) = tokio::join!(
        redrive(&world.pool, letter.letter_id, None, BY),
        redrive(&world.pool, letter.letter_id, None, BY),
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    world.reaches(subject, "succeeded").await;
    assert_eq!(
        world.effects(subject).await,
        ["fragile 1"],
        "once, with a fresh budget"
    );
    assert_eq!(world.result(subject).await, 50);
    let summary = workflows::inspect::latest_run(&world.pool, subject).await;
    let steps = summary.unwrap().unwrap().steps;
    assert!(
        steps
            .iter()
            .all(|step| step.state == workflows::StepState::Done),
        "{steps:?}"
    );
    let late = redrive(&world.pool, letter.letter_id, None, BY).await;
    assert!(matches!(late, Err(AdminError::Conflict(_))), "{late:?}");
    from_an_earlier_step(&world, &route).await;
    world.assert_idle().await;
    engine.stop().await;
}

/// Another run, which dies at the same step.
async fn from_an_earlier_step(world: &World, route: &Workflow<u32>) {
    MENDED.store(false, Ordering::SeqCst);
    let subject = world.start(route, &1).await;
    world.reaches(subject, "dead").await;
    let letter = world.letter().await.letter_id;
    let nowhere = redrive(&world.pool, letter, Some("finish"), BY).await;
    assert!(
        matches!(nowhere, Err(AdminError::Conflict(_))),
        "{nowhere:?}"
    );
    MENDED.store(true, Ordering::SeqCst);
    let prepared = PREPARED.load(Ordering::SeqCst);
    redrive(&world.pool, letter, Some("prepare"), BY)
        .await
        .unwrap();
    world.reaches(subject, "succeeded").await;
    assert_eq!(PREPARED.load(Ordering::SeqCst), prepared + 1);
    assert_eq!(world.result(subject).await, 20);
}

step!(Hopeless "hopeless": u32 => u32, quick(1), |_cx, n| {
    Err(StepError::Fail { source: format!("number {n} is beyond help").into() })
});

#[tokio::test]
async fn a_discarded_letter_ends_its_run() {
    let world = World::new().await;
    let route = Workflow::named("hopeless", 1).step::<Hopeless>().build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &4).await;
    world.reaches(subject, "dead").await;
    let letter = world.letter().await.letter_id;
    discard(&world.pool, letter, BY).await.unwrap();
    world.reaches(subject, "cancelled").await;
    let letter = show(&world.pool, letter).await.unwrap().letter;
    assert_eq!(letter.resolution, Some(workflows::Resolution::Discarded));
    assert_eq!(letter.reason.as_deref(), Some(BY.reason));
    world.assert_idle().await;
    engine.stop().await;
}

step!(Spread "spread": u32 => FanOut<u32, String>, quick(3), |_cx, n| {
    Ok(Done::new(FanOut { children: (0..n).collect(), carry: "carried".to_owned() }))
});
step!(OddOnesDie "odd-ones-die": u32 => u32, quick(1), |_cx, n| {
    if n % 2 == 1 {
        return Err(format!("{n} is odd")).or_retry();
    }
    Ok(Done::new(n * 10))
});
step!(Count "count": Joined<String, Result<u32, Missing>> => Vec<String>, quick(3), |cx, joined| {
    let words = joined.children.iter().map(|child| match child {
        Ok(n) => n.to_string(),
        Err(missing) => missing.to_string(),
    });
    Ok(leaving(cx, "count", words.collect()))
});

#[tokio::test]
async fn a_partial_fan_out_joins_and_says_what_is_missing() {
    let world = World::new().await;
    let route = Workflow::named("partial", 1)
        .step::<Spread>()
        .fan_out_partial::<OddOnesDie>()
        .join::<Count>()
        .build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &4).await;
    world.reaches(subject, "succeeded").await;
    let expected = json!(["0", "missing: 1 is odd", "20", "missing: 3 is odd"]);
    assert_eq!(world.result(subject).await, expected);
    // Nothing waits for anybody, but the deaths are on record.
    let any = LetterFilter::default();
    let all = dead_letters::list(&world.pool, &any, true, Paging::default()).await;
    let all = all.unwrap().items;
    assert_eq!(all.len(), 2);
    assert!(
        all.iter()
            .all(|l| l.resolution == Some(workflows::Resolution::Skipped))
    );
    let none = world.start(&route, &0).await;
    world.reaches(none, "succeeded").await;
    world.assert_idle().await;
    engine.stop().await;
}

step!(Wide "wide": u32 => FanOut<u32, ()>, quick(3), |_cx, n| {
    Ok(Done::new(FanOut { children: (0..n).collect(), carry: () }))
});
step!(OneDies "one-dies": u32 => u32, quick(1), |cx, n| {
    if n == 2 && !REVIVED.load(Ordering::SeqCst) {
        return Err("this one dies").or_retry();
    }
    Ok(leaving(cx, format!("child {n}"), n))
});
static REVIVED: AtomicBool = AtomicBool::new(false);
step!(Sum "sum": Joined<(), u32> => u32, quick(3), |cx, joined| {
    Ok(leaving(cx, "sum", joined.children.iter().sum()))
});

#[tokio::test]
async fn a_run_waits_for_its_dead_child_and_joins_after_its_re_drive() {
    let world = World::new().await;
    let route = Workflow::named("waits", 1)
        .step::<Wide>()
        .fan_out::<OneDies>()
        .join::<Sum>()
        .build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &5).await;
    world.reaches(subject, "dead").await;
    world
        .until("the other children", async || {
            (world.effects(subject).await.len() == 4).then_some(())
        })
        .await;
    REVIVED.store(true, Ordering::SeqCst);
    redrive(&world.pool, world.letter().await.letter_id, None, BY)
        .await
        .unwrap();
    world.reaches(subject, "succeeded").await;
    assert_eq!(world.result(subject).await, 10);
    assert_eq!(world.effects(subject).await.len(), 6);
    world.assert_idle().await;
    engine.stop().await;
}
