//! What is told of runs. (That nobody misses any of it is tested in `following`.)

use uuid::Uuid;
use workflows::{
    FanOut, Joined, Rejection, StepError, Workflow,
    admin::{dead_letters, runs},
    events::{self, Detail, Event, Kind},
};

use crate::world::{BY, World, config, leaving, quick, step};

step!(Choose "choose": String => u32, quick(1), |cx, what| {
    match what.as_str() {
        "reject" => Err(StepError::Reject(Rejection {
            code: "no".into(), message: "not this one".into(), details: serde_json::Value::Null,
        })),
        "die" if cx.attempt == 1 => Err(StepError::Fail { source: "broken".into() }),
        "hang" => { cx.cancelled.cancelled().await; Err(StepError::Fail { source: "late".into() }) }
        _ => Ok(leaving(cx, "chosen", 2)),
    }
});
step!(Spread "spread": u32 => FanOut<u32, ()>, quick(1), |cx, n| {
    Ok(leaving(cx, "spread", FanOut { children: (0..n).collect(), carry: () }))
});
step!(Child "child": u32 => u32, quick(1), |cx, n| Ok(leaving(cx, format!("child {n}"), n)));
step!(Gather "gather": Joined<(), u32> => usize, quick(1), |cx, joined| {
    Ok(leaving(cx, "gather", joined.children.len()))
});

/// The events of one run, in order.
async fn told(world: &World, subject: Uuid) -> Vec<(Kind, serde_json::Value)> {
    // Other tests write to the same server, and the stream waits for them.
    let newest = sqlx::query_scalar("SELECT max(seq) FROM workflows.events WHERE subject = $1");
    let newest: Option<i64> = newest.bind(subject).fetch_one(&world.pool).await.unwrap();
    let all = world
        .until("all events to be seen", async || {
            let page = events::read(&world.pool, None, 1_000).await.unwrap();
            let newest = newest.map(|seq| format!("-{seq}"));
            let seen = |event: &Event| {
                let newest = newest.as_deref().unwrap_or_default();
                event.position.to_string().ends_with(newest)
            };
            (newest.is_none() || page.events.iter().any(seen)).then_some(page.events)
        })
        .await;
    let ours = all.into_iter().filter(|event| event.subject == subject);
    ours.map(|event| (event.kind, event.details)).collect()
}

fn kinds(told: &[(Kind, serde_json::Value)]) -> Vec<Kind> {
    told.iter().map(|(kind, _)| kind.clone()).collect()
}

/// A route of which everything is told.
fn talkative() -> Workflow<String> {
    Workflow::named("told", 1)
        .step::<Choose>()
        .step::<Spread>()
        .fan_out::<Child>()
        .join::<Gather>()
        .events(Detail::Steps)
        .build()
}

#[tokio::test]
async fn every_step_and_every_end_is_told() {
    let world = World::new().await;
    let route = talkative();
    let engine = world.engine(&route);
    let done = world.start(&route, &"go".to_owned()).await;
    world.reaches(done, "succeeded").await;
    let events = told(&world, done).await;
    assert_eq!(kinds(&events)[0], Kind::Started);
    assert_eq!(kinds(&events)[1..6], vec![Kind::StepDone; 5]);
    assert_eq!(kinds(&events)[6..], [Kind::Succeeded]);
    let steps: Vec<_> = events[1..6]
        .iter()
        .map(|(_, details)| details["step"].clone())
        .collect();
    assert_eq!(steps, ["choose", "spread", "child", "child", "gather"]);

    let rejected = world.start(&route, &"reject".to_owned()).await;
    world.reaches(rejected, "rejected").await;
    let events = told(&world, rejected).await;
    assert_eq!(kinds(&events), [Kind::Started, Kind::Rejected]);
    assert_eq!(
        (&events[1].1["step"], &events[1].1["code"]),
        (&"choose".into(), &"no".into())
    );

    engine.stop().await;
}

#[tokio::test]
async fn what_operators_do_is_told() {
    let world = World::new().await;
    let route = talkative();
    let engine = world.engine(&route);
    let dead = world.start(&route, &"die".to_owned()).await;
    world.reaches(dead, "dead").await;
    let letter = world.letter().await;
    dead_letters::redrive(&world.pool, letter.letter_id, None, BY)
        .await
        .unwrap();
    world
        .until("the second death", async || {
            (told(&world, dead).await.len() == 4).then_some(())
        })
        .await;
    let run = world.run_of(dead).await;
    runs::cancel(&world.pool, run, BY).await.unwrap();
    let events = told(&world, dead).await;
    let expected = [
        Kind::Started,
        Kind::Dead,
        Kind::Redriven,
        Kind::Dead,
        Kind::Cancelled,
    ];
    assert_eq!(kinds(&events), expected);
    assert_eq!(
        events[1].1,
        serde_json::json!({ "step": "choose", "error": "broken" })
    );
    assert_eq!(
        events[2].1,
        serde_json::json!({ "step": "choose", "by": "tester" })
    );
    let cancelled = serde_json::json!({ "by": "tester", "reason": "to see what happens" });
    assert_eq!(events[4].1, cancelled);

    let hanging = world.start(&route, &"hang".to_owned()).await;
    let run = world.run_of(hanging).await;
    runs::cancel(&world.pool, run, BY).await.unwrap();
    runs::restart(&world.pool, run, None, BY).await.unwrap();
    let events = told(&world, hanging).await;
    assert_eq!(
        kinds(&events),
        [Kind::Started, Kind::Cancelled, Kind::Restarted]
    );
    engine.hasten.cancel();
    engine.stop().await;
}

#[tokio::test]
async fn a_workflow_says_how_much_is_told() {
    let world = World::new().await;
    let runs = Workflow::named("runs", 1)
        .step::<Choose>()
        .events(Detail::Runs)
        .build();
    let silent = Workflow::named("silent", 1).step::<Choose>().build();
    // Nobody has told the database yet what is told of them.
    let first = world.start(&runs, &"go".to_owned()).await;
    let engine = workflows::Engine::new(&world.pool, config());
    let engine = World::run(engine.register(&runs).register(&silent));
    let nothing = world.start(&silent, &"go".to_owned()).await;
    world.reaches(first, "succeeded").await;
    world.reaches(nothing, "succeeded").await;
    // Whoever only starts runs need not know.
    let untold = Workflow::named("runs", 1).step::<Choose>().build();
    let second = world
        .start_for("owner", &untold.starter(), &"go".to_owned())
        .await;
    world.reaches(second, "succeeded").await;
    let expected = [Kind::Started, Kind::Succeeded];
    assert_eq!(kinds(&told(&world, first).await), expected);
    assert_eq!(kinds(&told(&world, second).await), expected);
    assert_eq!(told(&world, nothing).await, []);
    engine.stop().await;
}
