//! Every step twice, every step failed once: a run must end as it would have without.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use workflows::{Done, EngineConfig, FanOut, Joined, Missing, Rehearsal, Workflow};

use crate::world::{World, config, leaving, quick, step};

/// Walks a workflow three times and compares what is left of it.
async fn bears_rehearsal<I: Serialize + DeserializeOwned + Sync>(route: Workflow<I>, input: I) {
    let world = World::new().await;
    let mut ends: Vec<(Value, Vec<String>)> = Vec::new();
    for rehearsal in [Rehearsal::None, Rehearsal::Twice, Rehearsal::FailedOnce] {
        let engine = world.engine_with(
            &route,
            EngineConfig {
                rehearsal,
                ..config()
            },
        );
        let subject = world.start(&route, &input).await;
        world.reaches(subject, "succeeded").await;
        ends.push((world.result(subject).await, world.effects(subject).await));
        world.assert_idle().await;
        engine.stop().await;
    }
    assert_eq!(ends[0], ends[1], "every step twice");
    assert_eq!(ends[0], ends[2], "every step failed once");
    let errors =
        "SELECT count(*) FROM workflows.attempts WHERE error ->> 'message' = 'rehearsed failure'";
    let errors: i64 = sqlx::query_scalar(errors)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    let done = "SELECT count(*) FROM workflows.attempts WHERE outcome = 'done'";
    let done: i64 = sqlx::query_scalar(done)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(
        errors * 3,
        done * 2,
        "each task failed once in two of three runs"
    );
}

step!(Half "half": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, "half", n / 2)));
step!(Text "text": u32 => String, quick(3), |cx, n| Ok(leaving(cx, "text", n.to_string())));
step!(Letters "letters": String => FanOut<char, usize>, quick(3), |cx, text| {
    let children: Vec<char> = text.chars().collect();
    let carry = children.len();
    Ok(leaving(cx, "letters", FanOut { children, carry }))
});
step!(Shout "shout": char => char, quick(3), |cx, c| {
    Ok(leaving(cx, format!("shout {c}"), c.to_ascii_uppercase()))
});
step!(Word "word": Joined<usize, char> => String, quick(3), |cx, joined| {
    assert_eq!(joined.carry, joined.children.len());
    Ok(leaving(cx, "word", joined.children.iter().collect()))
});
step!(Words "words": Joined<usize, Result<char, Missing>> => usize, quick(3), |cx, joined| {
    Ok(Done::new(joined.children.iter().flatten().count() + usize::from(cx.attempt == 0)))
});

#[tokio::test]
async fn a_plain_route_bears_it() {
    bears_rehearsal(
        Workflow::named("plain", 1)
            .step::<Half>()
            .step::<Text>()
            .build(),
        84,
    )
    .await;
}

#[tokio::test]
async fn a_fan_out_bears_it() {
    let route = Workflow::named("wide", 1)
        .step::<Letters>()
        .fan_out::<Shout>()
        .join::<Word>()
        .build();
    bears_rehearsal(route, "mill".replace("ll", "lk")).await;
}

#[tokio::test]
async fn a_partial_fan_out_after_other_steps_bears_it() {
    let route = Workflow::named("mixed", 1)
        .step::<Half>()
        .step::<Text>()
        .step::<Letters>()
        .fan_out_partial::<Shout>()
        .join::<Words>()
        .build();
    bears_rehearsal(route, 24_680).await;
}
