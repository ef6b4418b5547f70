//! Code of the caller that panics, at each place where the engine calls it. It is an error of its
//! own attempt, and of no other; the process goes on.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use sqlx::PgConnection;
use uuid::Uuid;
use workflows::{
    Attempt, BoxError, Done, Engine, NextOnError, Outcome, Rejection, RunEnd, RunHooks, Step,
    StepError, StepSettings, Workflow,
};

use super::bomb::{Bomb, Captured, Input, Output, Place, Places, Sore};
use crate::{
    declared::Declared,
    evidence::innocent,
    world::{World, config, quick},
};

static OF_STEP: Places = Places {
    displays: Place::ErrorDisplays,
    source: Place::ErrorSource,
    drops: Place::ErrorDrops,
};
static OF_WRITE: Places = Places {
    displays: Place::WriteErrorDisplays,
    source: Place::WriteErrorSource,
    drops: Place::WriteErrorDrops,
};
static OF_OWN_WRITE: Places = Places {
    displays: Place::OwnWriteErrorDisplays,
    source: Place::OwnWriteErrorSource,
    drops: Place::OwnWriteErrorDrops,
};
static OF_HOOK: Places = Places {
    displays: Place::EndHookErrorDisplays,
    source: Place::EndHookErrorSource,
    drops: Place::EndHookErrorDrops,
};

/// Takes an input that says where to panic, and does so in its first attempt.
struct Touchy;

impl Step for Touchy {
    const NAME: &'static str = "touchy";
    type Context = ();
    type Input = Input;
    type Output = Output;

    fn settings() -> StepSettings {
        StepSettings {
            timeout: Duration::from_secs(2),
            ..quick(5)
        }
    }

    fn run(
        context: &Attempt,
        Input(bomb): Input,
    ) -> impl Future<Output = Result<Done<Output>, StepError>> + Send {
        bomb.reaches(Place::StepCalled);
        let subject = context.subject;
        async move {
            bomb.reaches(Place::StepBegins);
            tokio::time::sleep(Duration::from_millis(1)).await;
            bomb.reaches(Place::StepGoesOn);
            let captured = Captured(bomb, Place::StepUnfinishedDrops);
            if bomb.waits_at(&[Place::StepUnfinishedDrops]) {
                std::future::pending::<()>().await;
            }
            drop(captured);
            if bomb.waits_at(&OF_STEP.all()) {
                return Err(Sore(bomb, &OF_STEP)).or_retry();
            }
            end(bomb, subject)
        }
    }
}

/// What the attempt comes to, if the step itself goes well.
fn end(bomb: Bomb, subject: Uuid) -> Result<Done<Output>, StepError> {
    match bomb.place {
        Place::EndHookOfRejection => {
            let message = "no".to_owned();
            Err(StepError::Reject(Rejection {
                code: "no".into(),
                message,
                details: serde_json::Value::Null,
            }))
        }
        Place::EndHookOfDeath => Err("it cannot be").or_fail(),
        _ => Ok(with_writes(bomb, subject)),
    }
}

fn with_writes(bomb: Bomb, subject: Uuid) -> Done<Output> {
    let done = Done::new(Output(bomb));
    if format!("{:?}", bomb.place).starts_with("Own") {
        let captured = Captured(bomb, Place::OwnWriteDrops);
        return Declared::OwnRows.recording(done, move |tx| {
            bomb.reaches(Place::OwnWriteCalled);
            let places = [Place::OwnWriteBegins, Place::OwnWriteGoesOn];
            let _ = &captured;
            write(tx, bomb, subject, places, &OF_OWN_WRITE)
        });
    }
    let captured = Captured(bomb, Place::WriteDrops);
    Declared::Any.recording(done, move |tx| {
        bomb.reaches(Place::WriteCalled);
        let places = [Place::WriteBegins, Place::WriteGoesOn];
        let _ = &captured;
        write(tx, bomb, subject, places, &OF_WRITE)
    })
}

fn write<'c>(
    tx: &'c mut PgConnection,
    bomb: Bomb,
    subject: Uuid,
    [begins, goes_on]: [Place; 2],
    errors: &'static Places,
) -> BoxFuture<'c, Result<(), BoxError>> {
    async move {
        bomb.reaches(begins);
        let insert = sqlx::query("INSERT INTO effects VALUES ($1, 'touchy')").bind(subject);
        insert.execute(tx).await?;
        bomb.reaches(goes_on);
        let captured = Captured(bomb, Place::WriteUnfinishedDrops);
        if bomb.waits_at(&[Place::WriteUnfinishedDrops]) {
            std::future::pending::<()>().await;
        }
        drop(captured);
        if bomb.waits_at(&errors.all()) {
            Err(Sore(bomb, errors).into())
        } else {
            Ok(())
        }
    }
    .boxed()
}

/// Its hooks know the bomb, because they are not given the input. Where it is not for them there are
/// none: writes may then share their transaction.
fn touchy(bomb: Bomb) -> Workflow<Input> {
    let route = Workflow::named("touchy", 1).step::<Touchy>();
    if format!("{:?}", bomb.place).contains("Hook") {
        route.hooks(TouchyHooks(bomb)).build()
    } else {
        route.build()
    }
}

struct TouchyHooks(Bomb);

impl RunHooks for TouchyHooks {
    fn ended(
        &self,
        _: &mut PgConnection,
        end: RunEnd,
    ) -> impl Future<Output = Result<(), BoxError>> + Send {
        self.0.reaches(Place::EndHookOfSuccessCalled);
        told(self.0, end)
    }
}

#[expect(clippy::unused_async, reason = "what panics in it is its future")]
async fn told(bomb: Bomb, end: RunEnd) -> Result<(), BoxError> {
    match end.outcome {
        Outcome::Succeeded => bomb.reaches(Place::EndHookOfSuccess),
        Outcome::Rejected(_) => bomb.reaches(Place::EndHookOfRejection),
        Outcome::Dead { .. } => bomb.reaches(Place::EndHookOfDeath),
        Outcome::Cancelled { .. } => {}
    }
    if bomb.waits_at(&OF_HOOK.all()) {
        Err(Sore(bomb, &OF_HOOK).into())
    } else {
        Ok(())
    }
}

/// How the run ends, and its attempts on the way. A panic is an error of the first one, but for
/// those that come when the attempt is over, or that nobody can blame it for.
fn expected(place: Place) -> (&'static str, &'static [&'static str]) {
    match place {
        Place::WriteDrops
        | Place::OwnWriteDrops
        | Place::WriteUnfinishedDrops
        | Place::ScheduleInputEncodes => ("succeeded", &["done"]),
        Place::EndHookOfRejection => ("rejected", &["error", "rejected"]),
        Place::EndHookOfDeath => ("dead", &["error", "error"]),
        _ => ("succeeded", &["error", "done"]),
    }
}

async fn panics_at(place: Place) {
    let (world, bomb) = (World::new().await, Bomb::at(place));
    let route = touchy(bomb);
    world.start_innocents(10).await;
    let engine = Engine::new(&world.pool, config());
    let mut engine = engine.register(&route).register(&innocent());
    if place == Place::ScheduleInputEncodes {
        let every = Duration::from_secs(1);
        engine = engine.schedule("touchy", every, &route.starter(), Input(bomb));
    } else {
        world.start(&route, &Input(bomb)).await;
    }
    let engine = World::run(engine);
    world.start_innocents(10).await;
    let patience = Duration::from_secs(30);
    world
        .within(patience, "the panic", async || {
            bomb.is_spent().then_some(())
        })
        .await;
    if place == Place::EndHookOfDeath {
        let deferred = async || (world.count("deferred").await == 1).then_some(());
        world
            .within(patience, "the death to be put off", deferred)
            .await;
        world.make_due().await;
    }
    let (end, attempts) = expected(place);
    world
        .within(patience, &format!("the run to be {end}"), async || {
            (world.runs_in("touchy", end).await > 0).then_some(())
        })
        .await;
    world.succeed("innocent", 20, patience).await;
    let touchy = world.attempts_of("touchy").await;
    assert_eq!(touchy[..attempts.len()], *attempts);
    // It goes on taking work.
    world.start_innocents(1).await;
    world.succeed("innocent", 21, patience).await;
    world.assert_innocents_untouched().await;
    assert!(engine.is_running());
    engine.stop().await;
}

#[tokio::test]
async fn a_panic_anywhere_is_an_error_of_its_own_attempt() {
    let failed = stream::iter(Place::ALL)
        .map(async |place| {
            let result = AssertUnwindSafe(panics_at(*place)).catch_unwind().await;
            result.is_err().then_some(*place)
        })
        .buffer_unordered(4);
    let failed: Vec<Option<_>> = failed.collect().await;
    let failed: Vec<_> = failed.into_iter().flatten().collect();
    assert!(
        failed.is_empty(),
        "the process or somebody else suffered at {failed:?}"
    );
}
