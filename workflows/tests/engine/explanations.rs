//! "Why is it not running?" has an answer.

use std::time::Duration;

use workflows::{
    Backoff, NextOnError, StepSettings, Workflow,
    admin::explain::{Answer, Lack, Tried, explain},
};

use crate::world::{World, leaving, quick, slots, step};

step!(Long "long": u32 => u32, quick(3), |cx, n| {
    cx.cancelled.cancelled().await;
    Ok(leaving(cx, "long", n))
});
fn patient() -> StepSettings {
    let hour = Duration::from_hours(1);
    let backoff = Backoff {
        first: hour,
        cap: hour,
        ..Backoff::default()
    };
    StepSettings {
        backoff,
        ..StepSettings::default()
    }
}
step!(Later "later": u32 => u32, patient(), |cx, n| {
    if n > 0 {
        return Err("come back later").or_retry();
    }
    Ok(leaving(cx, "later", n))
});

#[tokio::test]
async fn a_run_says_who_works_on_it_and_how_many_go_first() {
    let world = World::new().await;
    let route = Workflow::named("long", 1).step::<Long>().build();
    let first = world.start(&route, &1).await;
    let Answer::NoWorker {
        workflow,
        version,
        step,
        lack,
        ..
    } = world.answer(first).await
    else {
        panic!("nobody is there")
    };
    assert_eq!(
        (workflow.as_str(), version, step.as_str(), lack),
        ("long", 1, "long", Lack::Workers)
    );
    let engine = world.engine_with(&route, slots(1));
    let running = world
        .until("it to run", async || match world.answer(first).await {
            running @ Answer::Running { .. } => Some(running),
            _ => None,
        })
        .await;
    let Answer::Running {
        worker,
        build,
        since,
        lease_until,
        ..
    } = running
    else {
        unreachable!()
    };
    assert!(worker.starts_with("pid "), "{worker}");
    assert!(!build.is_empty() && lease_until > since);

    let others = [world.start(&route, &2).await, world.start(&route, &3).await];
    let other_key = world.start_for("another", &route.starter(), &4).await;
    let Answer::WaitingForSlot {
        queue, ahead, keys, ..
    } = world.answer(others[1]).await
    else {
        panic!("it waits for a slot")
    };
    assert_eq!((queue.as_str(), ahead, keys), ("default", 1, 2));
    let Answer::WaitingForSlot { ahead, .. } = world.answer(other_key).await else {
        panic!("it waits for a slot")
    };
    assert_eq!(ahead, 0, "keys take turns");
    engine.hasten.cancel();
    engine.stop().await;
}

#[tokio::test]
async fn a_run_says_when_its_retry_is_due_and_what_happened() {
    let world = World::new().await;
    let route = Workflow::named("later", 1).step::<Later>().build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &1).await;
    world
        .until("the retry", async || {
            (world.count("deferred").await == 1).then_some(())
        })
        .await;
    // By what it is about, as people know it.
    let explanation = explain(&world.pool, subject).await.unwrap();
    assert_eq!(explanation.run.run_id, world.run_of(subject).await);
    let Answer::WaitingForRetry { tried, .. } = explanation.answer else {
        panic!("it waits: {:?}", explanation.answer)
    };
    let most = Backoff::default().attempts;
    let expected = Tried {
        errors: 1,
        attempts: Some(most),
        error: Some("come back later".to_owned()),
    };
    assert_eq!(tried, expected);
    let [attempt] = explanation.timeline.as_slice() else {
        panic!("one attempt")
    };
    assert_eq!(
        (attempt.step.as_str(), attempt.outcome.as_str()),
        ("later", "error")
    );
    let error = attempt.error.as_ref().unwrap().to_value();
    assert_eq!(error["message"], "come back later");
    assert!(attempt.ended_at >= attempt.started_at);
    let done = world.start(&route, &0).await;
    world.reaches(done, "succeeded").await;
    assert!(matches!(world.answer(done).await, Answer::Ended { .. }));
    engine.stop().await;
}
