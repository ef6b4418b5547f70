//! Waiting for what a run ends with.

use std::time::{Duration, Instant};

use uuid::Uuid;
use workflows::{
    Done, Rejection, RunId, StepError, Workflow,
    admin::runs,
    wait::{End, WaitError, wait},
};

use crate::world::{BY, World, quick, step};

step!(Choose "choose": String => Vec<u32>, quick(1), |cx, what| {
    match what.as_str() {
        "reject" => Err(StepError::Reject(no())),
        "die" => Err(StepError::Fail { source: "broken".into() }),
        "hang" => { cx.cancelled.cancelled().await; Ok(Done::new(vec![])) }
        _ => Ok(Done::new(vec![7, 9])),
    }
});
step!(Sum "sum": Vec<u32> => Option<u64>, quick(1), |_cx, numbers| {
    Ok(Done::new(Some(numbers.into_iter().map(u64::from).sum())))
});

fn no() -> Rejection {
    Rejection {
        code: "no".into(),
        message: "not this one".into(),
        details: serde_json::json!({ "limit": 1.5 }),
    }
}

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn every_end_is_told_with_its_type() {
    let world = World::new().await;
    let (route, results) = Workflow::named("sums", 1)
        .step::<Choose>()
        .step::<Sum>()
        .build_typed();
    let run = async |what: &str| {
        let subject = world.start(&route, &what.to_owned()).await;
        world.run_of(subject).await
    };
    let early = run("go").await;
    // Somebody waits before anybody works.
    let pool = world.pool.clone();
    let waiting = tokio::spawn(async move { results.wait(&pool, early, PATIENCE).await });
    let engine = world.engine(&route);
    assert_eq!(
        waiting.await.unwrap().unwrap(),
        End::Succeeded(Some(16_u64))
    );

    let rejected = results
        .wait(&world.pool, run("reject").await, PATIENCE)
        .await;
    assert_eq!(rejected.unwrap(), End::Rejected(no()));
    let dead = results.wait(&world.pool, run("die").await, PATIENCE).await;
    let (step, error) = ("choose".to_owned(), "broken".to_owned());
    assert_eq!(dead.unwrap(), End::Dead { step, error });

    let hanging = run("hang").await;
    let began = Instant::now();
    let limit = Duration::from_millis(300);
    assert_eq!(
        results.wait(&world.pool, hanging, limit).await.unwrap(),
        End::NotYet
    );
    assert!(began.elapsed() >= limit);
    runs::cancel(&world.pool, hanging, BY).await.unwrap();
    let cancelled = results.wait(&world.pool, hanging, Duration::ZERO).await;
    let (by, reason) = (BY.name.to_owned(), BY.reason.to_owned());
    assert_eq!(cancelled.unwrap(), End::Cancelled { by, reason });
    engine.stop().await;
}

#[tokio::test]
async fn what_is_no_such_run_or_of_another_type_is_an_error() {
    let world = World::new().await;
    let (route, results) = Workflow::named("sums", 1)
        .step::<Choose>()
        .step::<Sum>()
        .build_typed();
    let engine = world.engine(&route);
    let subject = world.start(&route, &"go".to_owned()).await;
    let run = world.run_of(subject).await;
    let untyped: End<serde_json::Value> = wait(&world.pool, run, PATIENCE).await.unwrap();
    assert_eq!(untyped, End::Succeeded(16.into()));
    let text = wait::<String>(&world.pool, run, PATIENCE).await;
    assert!(matches!(text, Err(WaitError::Undecodable(_))), "{text:?}");
    let (_, newer) = Workflow::named("sums", 2).step::<Sum>().build_typed();
    let newer = newer.wait(&world.pool, run, PATIENCE).await;
    assert!(
        matches!(newer, Err(WaitError::Another { version: 1, .. })),
        "{newer:?}"
    );
    let nobody = results
        .wait(&world.pool, RunId(Uuid::now_v7()), PATIENCE)
        .await;
    assert!(matches!(nobody, Err(WaitError::NotFound(_))), "{nobody:?}");
    engine.stop().await;
}
