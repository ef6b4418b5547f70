//! Writes that do not come to an end. After a while that is an error of their attempt; until then,
//! and then too, it is nobody else's affair.

use std::{error::Error, fmt, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use sqlx::PgConnection;
use tokio::time::{Instant, sleep};
use workflows::{
    Attempt, BoxError, Done, Engine, NextOnError, Step, StepError, StepSettings, Workflow,
};

use super::Declared;
use crate::{
    evidence::innocent,
    world::{World, config, quick},
};

/// After so long it counts as an error.
const PATIENCE: Duration = Duration::from_mins(2);

type Writing = fn(&mut PgConnection) -> BoxFuture<'_, Result<(), BoxError>>;

/// The write of its first attempt has no end.
struct Endless;

impl Step for Endless {
    const NAME: &'static str = "endless";
    type Context = (Declared, Writing);
    type Input = u32;
    type Output = u32;

    fn settings() -> StepSettings {
        quick(3)
    }

    async fn run(cx: &Attempt<Self::Context>, n: u32) -> Result<Done<u32>, StepError> {
        let (declared, write) = *cx.context;
        Ok(match cx.attempt {
            1 => declared.recording(Done::new(n), write),
            _ => Done::new(n),
        })
    }
}

async fn has_no_end(declared: Declared, write: Writing) {
    let world = World::new().await;
    let route = Workflow::named("endless", 1)
        .step::<Endless>()
        .build()
        .with_context((declared, write));
    let engine = Engine::new(&world.pool, config());
    let engine = World::run(engine.register(&route).register(&innocent()));
    world.start(&route, &1).await;
    let began = Instant::now();
    while world.runs_in("endless", "succeeded").await == 0 {
        assert!(
            began.elapsed() < PATIENCE,
            "waited {PATIENCE:?} for an error of the write"
        );
        world.others_go_on().await;
        sleep(Duration::from_millis(700)).await;
    }
    eprintln!(
        "{declared:?} write without end: given up after {:?}",
        began.elapsed()
    );
    assert_eq!(world.attempts_of("endless").await, ["error", "done"]);
    world.assert_innocents_untouched().await;
    engine.stop().await;
}

const NEVER: Writing = |_| std::future::pending().boxed();
/// Longer than a session of the engine may sit idle in a transaction.
const SLEEPS: Writing = |tx| {
    async move {
        sleep(Duration::from_secs(6)).await;
        sqlx::query("SELECT 1").execute(tx).await?;
        Ok(())
    }
    .boxed()
};
/// The server is at work on it.
const DREAMS: Writing = |tx| {
    async move {
        sqlx::query("SELECT pg_sleep(600)").execute(tx).await?;
        Ok(())
    }
    .boxed()
};

/// All at once, each in a world of its own: what takes time is their patience.
#[tokio::test]
async fn a_write_without_an_end_is_an_error_of_its_attempt_alone() {
    let each = [Declared::Any, Declared::OwnRows]
        .into_iter()
        .flat_map(|declared| [NEVER, SLEEPS, DREAMS].map(|write| has_no_end(declared, write)));
    futures::future::join_all(each).await;
}

/// An error that is its own cause.
#[derive(Debug)]
struct Circular;

impl fmt::Display for Circular {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("turning in circles")
    }
}

impl Error for Circular {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}

struct Circling;

impl Step for Circling {
    const NAME: &'static str = "circling";
    type Context = ();
    type Input = u32;
    type Output = u32;

    fn settings() -> StepSettings {
        quick(3)
    }

    async fn run(context: &Attempt, n: u32) -> Result<Done<u32>, StepError> {
        match context.attempt {
            1 => Err(Circular).or_retry(),
            2 => {
                Ok(Declared::Any
                    .recording(Done::new(n), |_| async { Err(Circular.into()) }.boxed()))
            }
            _ => Ok(Done::new(n)),
        }
    }
}

/// Whoever follows its causes to the last one never gets there.
#[test]
fn an_error_that_is_its_own_cause() {
    // Not that of the test: a thread of it may turn in circles.
    let (observer, engine) = (runtime(), runtime());
    observer.block_on(async {
        let world = World::new().await;
        let route = Workflow::named("circling", 1).step::<Circling>().build();
        let running = {
            let _guard = engine.enter();
            world.engine(&route)
        };
        world.start(&route, &1).await;
        let ended = std::panic::AssertUnwindSafe(async {
            world.succeed("circling", 1, Duration::from_secs(10)).await;
            assert_eq!(
                world.attempts_of("circling").await,
                ["error", "error", "done"]
            );
        });
        let ended = ended.catch_unwind().await;
        std::mem::forget(running);
        engine.shutdown_background();
        ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a runtime")
}
