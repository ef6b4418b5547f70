//! What a step says when it refuses or fails, whatever that is.

use std::time::Duration;

use futures::FutureExt;
use serde_json::json;
use sqlx::PgConnection;
use workflows::{
    BoxError, Done, Engine, NextOnError, Outcome, Rejection, RunEnd, RunHooks, StepError, Workflow,
    admin::{
        Paging,
        runs::{self, RunFilter},
    },
};

use crate::{
    declared::Declared,
    evidence::{AT_ONCE, innocent},
    world::{World, config, quick, step},
};

step!(Judge "judge": u32 => u32, quick(3), |_cx, _n| Err(StepError::Reject(Rejection {
    code: "bad\0name".into(),
    message: "the name is \"a\0b\", and \u{202e} that".to_owned(),
    details: json!({ "name": "a\0b" }),
})));

struct TellRefusal;

impl RunHooks for TellRefusal {
    async fn ended(&self, tx: &mut PgConnection, end: RunEnd) -> Result<(), BoxError> {
        let Outcome::Rejected(rejected) = end.outcome else {
            return Ok(());
        };
        let insert = sqlx::query("INSERT INTO effects VALUES ($1, $2)").bind(end.subject);
        let insert = insert.bind(rejected.rejection.message);
        insert.execute(tx).await?;
        Ok(())
    }
}

/// File names are what people send.
#[tokio::test]
async fn a_rejection_that_quotes_a_nul_is_a_rejection() {
    let world = World::new().await;
    let route = Workflow::named("judged", 1)
        .step::<Judge>()
        .hooks(TellRefusal)
        .build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &1).await;
    world.reaches(subject, "rejected").await;
    let effects = world.effects(subject).await;
    assert_eq!(effects, ["the name is \"a\u{fffd}b\", and \u{202e} that"]);
    let result = world.result(subject).await;
    assert_eq!(result["message"], effects[0]);
    assert_eq!(result["details"]["name"], "a\u{fffd}b");
    let page = runs::list(&world.pool, &RunFilter::default(), Paging::default()).await;
    assert_eq!(page.unwrap().items.len(), 1);
    assert_eq!(world.outcomes().await, [("rejected".to_owned(), 1)]);
    world.assert_idle().await;
    engine.stop().await;
}

step!(Busy "busy": u64 => u32, quick(3), |_cx, seconds| Err(StepError::Retry {
    source: "come back later".into(),
    after: Some(Duration::from_secs(seconds)),
}));

#[tokio::test]
async fn a_dependency_that_says_ten_years_is_asked_again_within_a_day() {
    let world = World::new().await;
    let route = Workflow::named("busy", 1).step::<Busy>().build();
    let engine = world.engine(&route);
    for seconds in [10 * 365 * 86_400, u64::MAX] {
        world.start(&route, &seconds).await;
    }
    let deferred = async || (world.count("deferred").await == 2).then_some(());
    world
        .within(Duration::from_secs(10), "two retries to wait", deferred)
        .await;
    let latest = "SELECT max(extract(epoch FROM due_at - now()))::float8 FROM workflows.deferred";
    let latest: f64 = sqlx::query_scalar(latest)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert!((86_000.0..=86_400.0).contains(&latest), "due in {latest} s");
    engine.stop().await;
}

/// An error, and what is under it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Wordy(String, #[source] Option<Box<Wordy>>);

fn wordy() -> Wordy {
    let mut error = Wordy("ä".repeat(2_000_000), None);
    for _ in 0..50 {
        error = Wordy("so many words ".repeat(1_000), Some(Box::new(error)));
    }
    error
}

step!(Talks "talks": u32 => u32, quick(3), |_cx, n| match n {
    0 => Err(wordy()).or_retry(),
    1 => Ok(Declared::Any.recording(Done::new(n), |_| async { Err(wordy().into()) }.boxed())),
    2 => Ok(Declared::OwnRows.recording(Done::new(n), |_| async { Err(wordy().into()) }.boxed())),
    3 => panic!("{}", "ü".repeat(20_000)),
    _ => Err(StepError::Reject(Rejection {
        code: "c".repeat(1_000_000).into(),
        message: "m".repeat(1_000_000),
        details: json!(null),
    })),
});

#[tokio::test]
async fn long_speeches_are_cut() {
    let world = World::new().await;
    let route = Workflow::named("talks", 1).step::<Talks>().build();
    let engine = Engine::new(&world.pool, config());
    let engine = World::run(engine.register(&route).register(&innocent()));
    for n in 0..5 {
        world.start(&route, &n).await;
    }
    world.start_innocents(20).await;
    let ended = async || {
        let (dead, rejected) = ("dead", "rejected");
        let ended = world.runs_in("talks", dead).await + world.runs_in("talks", rejected).await;
        (ended == 5).then_some(())
    };
    world.within(AT_ONCE * 10, "all to end", ended).await;
    world.succeed("innocent", 20, AT_ONCE).await;
    let sql = "SELECT max(length) FROM (
            SELECT length(error::text) FROM workflows.attempts
            UNION ALL SELECT length(error::text) FROM workflows.dead_letters
            UNION ALL SELECT length(fingerprint) FROM workflows.dead_letters
            UNION ALL SELECT length(result::text) FROM workflows.runs) texts";
    let longest: i32 = sqlx::query_scalar(sql)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert!(longest < 50_000, "{longest} characters are kept of one");
    world.assert_innocents_untouched().await;
    engine.stop().await;
}
