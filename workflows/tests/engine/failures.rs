//! Steps that fail, and what happens next.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use sqlx::{PgConnection, Row};
use uuid::Uuid;
use workflows::{
    BoxError, Done, FanOut, Joined, NextOnError, Outcome, Record, Rejection, RunEnd, RunHooks,
    StepError, Workflow,
};

use crate::world::{World, leaving, quick, step};

#[derive(Debug, thiserror::Error)]
#[error("the world is unwell ({0})")]
struct Unwell(u32);

step!(Flaky "flaky": u32 => u32, quick(5), |cx, failures| {
    if cx.attempt <= failures {
        return Err(Unwell(cx.attempt)).or_retry();
    }
    Ok(leaving(cx, "flaky", cx.attempt))
});

#[tokio::test]
async fn a_step_is_retried_until_it_works() {
    let world = World::new().await;
    let route = Workflow::named("flaky", 1).step::<Flaky>().build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &3).await;
    world.reaches(subject, "succeeded").await;
    assert_eq!(
        world.result(subject).await,
        4,
        "three errors, then the fourth attempt"
    );
    let run = workflows::inspect::latest_run(&world.pool, subject)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(run.steps[0].attempts, 4);
    assert_eq!(
        run.steps[0].last_error.as_deref(),
        Some("the world is unwell (3)")
    );
    world.assert_idle().await;
    engine.stop().await;
}

#[tokio::test]
async fn used_up_attempts_become_a_dead_letter_that_keeps_everything() {
    let world = World::new().await;
    let route = Workflow::named("flaky", 1).step::<Flaky>().build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &99).await;
    world.reaches(subject, "dead").await;
    let sql =
        "SELECT input, errors, cause, error ->> 'message', fingerprint FROM workflows.dead_letters";
    let letter = sqlx::query(sql).fetch_one(&world.pool).await.unwrap();
    assert_eq!(letter.get::<serde_json::Value, _>(0), json!(99));
    assert_eq!(letter.get::<i32, _>(1), 5);
    assert_eq!(letter.get::<&str, _>(2), "errors");
    assert_eq!(letter.get::<&str, _>(3), "the world is unwell (5)");
    assert_eq!(letter.get::<&str, _>(4), "flaky: the world is unwell (#)");
    world.assert_idle().await;
    assert!(world.effects(subject).await.is_empty());
    engine.stop().await;
}

step!(Panicky "panicky": u32 => u32, quick(5), |cx, n| {
    assert!(cx.attempt > n, "this step panics");
    Ok(leaving(cx, "panicky", n))
});

#[tokio::test]
async fn a_panic_is_an_error_of_its_attempt() {
    let world = World::new().await;
    let route = Workflow::named("panicky", 1).step::<Panicky>().build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &2).await;
    world.reaches(subject, "succeeded").await;
    let run = workflows::inspect::latest_run(&world.pool, subject)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(run.steps[0].attempts, 3);
    engine.stop().await;
}

#[tokio::test]
async fn a_payload_that_does_not_decode_disturbs_no_other() {
    let world = World::new().await;
    let route = Workflow::named("flaky", 1).step::<Flaky>().build();
    let bad = world.start(&route, &0).await;
    sqlx::query(r#"UPDATE workflows.tasks SET input = '"not a number"'"#)
        .execute(&world.pool)
        .await
        .unwrap();
    let good = world.start(&route, &0).await;
    let engine = world.engine(&route);
    world.reaches(bad, "dead").await;
    world.reaches(good, "succeeded").await;
    engine.stop().await;
}

step!(Unstorable "unstorable": bool => serde_json::Value, quick(3), |_cx, bad| {
    let deep = (0..if bad { 130 } else { 90 }).fold(serde_json::json!("a NUL: \0"), |inner, _| serde_json::json!([inner]));
    Ok(Done::new(deep))
});

#[tokio::test]
async fn an_output_that_could_not_be_read_back_disturbs_no_other() {
    let world = World::new().await;
    let route = Workflow::named("unstorable", 1)
        .step::<Unstorable>()
        .build();
    let subjects = [
        world.start(&route, &true).await,
        world.start(&route, &false).await,
    ];
    let engine = world.engine(&route);
    world.reaches(subjects[0], "dead").await;
    world.reaches(subjects[1], "succeeded").await;
    engine.stop().await;
}

static REFUSALS: AtomicU32 = AtomicU32::new(0);
step!(Refused "refused": u32 => u32, quick(5), |cx, n| {
    let done = leaving(cx, "once", n);
    // The first attempt writes its row twice, which the table refuses.
    if REFUSALS.fetch_add(1, Ordering::SeqCst) == 0 {
        return Ok(done.recording(Again(cx.subject)));
    }
    Ok(done)
});

struct Again(Uuid);

impl Record for Again {
    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        let insert = sqlx::query("INSERT INTO effects VALUES ($1, 'once')").bind(self.0);
        insert.execute(tx).await?;
        Ok(())
    }
}

#[tokio::test]
async fn a_refused_write_takes_the_whole_settlement_back() {
    let world = World::new().await;
    let route = Workflow::named("refused", 1).step::<Refused>().build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &7).await;
    world.reaches(subject, "succeeded").await;
    assert_eq!(world.effects(subject).await, ["once"]);
    let run = workflows::inspect::latest_run(&world.pool, subject)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(run.steps[0].attempts, 2);
    engine.stop().await;
}

step!(Spread "spread": u32 => FanOut<u32, ()>, quick(3), |_cx, n| {
    Ok(Done::new(FanOut { children: (0..n).collect(), carry: () }))
});
step!(Judge "judge": u32 => u32, quick(3), |cx, n| {
    if n == 3 {
        let rejection = Rejection { code: "odd".into(), message: "no threes".into(), details: json!({"n": n}) };
        return Err(StepError::Reject(rejection));
    }
    cx.cancelled.cancelled().await;
    Ok(leaving(cx, format!("judge {n}"), n))
});
step!(Never "never": Joined<(), u32> => (), quick(3), |cx, _joined| Ok(leaving(cx, "never", ())));

struct TellRefusal;

impl RunHooks for TellRefusal {
    async fn ended(&self, tx: &mut PgConnection, end: RunEnd) -> Result<(), BoxError> {
        let Outcome::Rejected(rejected) = end.outcome else {
            return Ok(());
        };
        let insert = sqlx::query("INSERT INTO effects VALUES ($1, $2)").bind(end.subject);
        let insert = insert.bind(format!("{} at {}", rejected.rejection, rejected.step));
        insert.execute(tx).await?;
        Ok(())
    }
}

#[tokio::test]
async fn a_rejection_ends_the_run_its_hook_and_its_siblings_together() {
    let world = World::new().await;
    let route = Workflow::named("judged", 1)
        .step::<Spread>()
        .fan_out::<Judge>()
        .join::<Never>()
        .hooks(TellRefusal)
        .build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &50).await;
    world.reaches(subject, "rejected").await;
    assert_eq!(world.effects(subject).await, ["odd: no threes at judge"]);
    world.assert_idle().await;
    engine.hasten.cancel();
    engine.stop().await;
    assert_eq!(
        world.effects(subject).await,
        ["odd: no threes at judge"],
        "no sibling wrote after it"
    );
}
