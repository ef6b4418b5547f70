//! The workflow is told of every end of its runs, in the transaction that ends them.

use sqlx::PgConnection;
use workflows::{
    BoxError, Outcome, Rejection, Revival, RunEnd, RunHooks, StepError, Workflow,
    admin::{AdminError, Hooks, dead_letters, runs},
};

use crate::world::{BY, World, leaving, quick, step};

step!(Choose "choose": String => u32, quick(1), |cx, what| {
    match what.as_str() {
        "reject" => Err(StepError::Reject(Rejection {
            code: "no".into(), message: "not this one".into(), details: serde_json::Value::Null,
        })),
        "die" => Err(StepError::Fail { source: "broken".into() }),
        "hang" => { cx.cancelled.cancelled().await; Err(StepError::Fail { source: "late".into() }) }
        _ => Ok(leaving(cx, "chosen", 1)),
    }
});

struct TellEnds;

impl RunHooks for TellEnds {
    async fn ended(&self, tx: &mut PgConnection, end: RunEnd) -> Result<(), BoxError> {
        let what = match end.outcome {
            Outcome::Succeeded => "succeeded".to_owned(),
            Outcome::Rejected(rejected) => format!("rejected: {}", rejected.rejection.code),
            Outcome::Dead { step, error } => format!("dead at {step}: {error}"),
            Outcome::Cancelled { by, reason } => format!("cancelled by {by}: {reason}"),
        };
        let sql = "INSERT INTO effects VALUES ($1, $2)";
        let insert = sqlx::query(sql).bind(end.subject).bind(what);
        insert.execute(tx).await?;
        Ok(())
    }
}

#[tokio::test]
async fn every_end_is_told_with_it() {
    let world = World::new().await;
    let route = Workflow::named("told", 1)
        .step::<Choose>()
        .hooks(TellEnds)
        .build();
    let engine = world.engine(&route);
    let cases = [("go", "succeeded"), ("reject", "rejected"), ("die", "dead")];
    let mut subjects = Vec::new();
    for (what, state) in cases {
        let subject = world.start(&route, &what.to_owned()).await;
        world.reaches(subject, state).await;
        subjects.push(subject);
    }
    assert_eq!(world.effects(subjects[0]).await, ["chosen", "succeeded"]);
    assert_eq!(world.effects(subjects[1]).await, ["rejected: no"]);
    assert_eq!(world.effects(subjects[2]).await, ["dead at choose: broken"]);

    let hooks = Hooks::default().with(&route);
    let by = BY.telling(&hooks);
    let hanging = world.start(&route, &"hang".to_owned()).await;
    let run = world.run_of(hanging).await;
    runs::cancel(&world.pool, run, by).await.unwrap();
    let told = "cancelled by tester: to see what happens";
    assert_eq!(world.effects(hanging).await, [told]);

    let letter = world.letter().await;
    dead_letters::discard(&world.pool, letter.letter_id, by)
        .await
        .unwrap();
    assert_eq!(
        world.effects(subjects[2]).await,
        [told, "dead at choose: broken"]
    );
    world.assert_idle().await;
    engine.stop().await;
}

struct Refuses;

impl RunHooks for Refuses {
    async fn ended(&self, _: &mut PgConnection, end: RunEnd) -> Result<(), BoxError> {
        match end.outcome {
            Outcome::Cancelled { .. } => Err("not while it is shown".into()),
            Outcome::Dead { .. } => Ok(()),
            _ => panic!("a bug of the hook"),
        }
    }
}

#[tokio::test]
async fn a_hook_that_refuses_takes_the_action_back() {
    let world = World::new().await;
    let route = Workflow::named("told", 1)
        .step::<Choose>()
        .hooks(Refuses)
        .build();
    let hooks = Hooks::default().with(&route);
    let subject = world.start(&route, &"go".to_owned()).await;
    let run = world.run_of(subject).await;
    let refused = runs::cancel(&world.pool, run, BY.telling(&hooks)).await;
    assert!(matches!(refused, Err(AdminError::Hook(_))), "{refused:?}");
    assert_eq!(
        runs::get(&world.pool, run).await.unwrap().state,
        workflows::RunState::Running
    );
    // A hook that panics is an error of the attempt: the run does not end without it.
    let engine = world.engine(&route);
    world.reaches(subject, "dead").await;
    assert_eq!(world.effects(subject).await, Vec::<String>::new());
    engine.stop().await;
}

struct NoteRevivals;

impl RunHooks for NoteRevivals {
    async fn revived(&self, tx: &mut PgConnection, revival: Revival) -> Result<(), BoxError> {
        let from = revival.from_step.as_deref().unwrap_or("where it died");
        let sql = "INSERT INTO effects VALUES ($1, $2)";
        let insert = sqlx::query(sql).bind(revival.subject);
        let insert = insert.bind(format!("revived from {from}"));
        insert.execute(tx).await?;
        Ok(())
    }
}

#[tokio::test]
async fn every_revival_is_told_with_it() {
    let world = World::new().await;
    let route = Workflow::named("told", 1)
        .step::<Choose>()
        .hooks(NoteRevivals)
        .build();
    let engine = world.engine(&route);
    let hooks = Hooks::default().with(&route);
    let by = BY.telling(&hooks);
    let subject = world.start(&route, &"die".to_owned()).await;
    world.reaches(subject, "dead").await;
    let run = world.run_of(subject).await;

    let letter = world.letter().await.letter_id;
    dead_letters::redrive(&world.pool, letter, None, by)
        .await
        .unwrap();
    assert_eq!(world.effects(subject).await, ["revived from where it died"]);

    world.reaches(subject, "dead").await;
    runs::restart(&world.pool, run, None, by).await.unwrap();
    let told = ["revived from choose", "revived from where it died"];
    assert_eq!(world.effects(subject).await, told);

    // Many are revived by the workers, which know the hooks themselves.
    world.reaches(subject, "dead").await;
    let forget = sqlx::query("DELETE FROM effects").execute(&world.pool);
    forget.await.unwrap();
    let pace = workflows::admin::redrive::Pace {
        per_second: 100.0,
        cap: 10,
    };
    let filter = dead_letters::LetterFilter::default();
    workflows::admin::redrive::request(&world.pool, &filter, None, pace, BY)
        .await
        .unwrap();
    world
        .until("the revival", async || {
            (world.effects(subject).await == told[1..]).then_some(())
        })
        .await;
    engine.stop().await;
}
