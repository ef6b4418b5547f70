//! Writes and hooks that fail in unusual ways. It is an error of their attempt, and of no other.

use std::{
    io,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use sqlx::PgConnection;
use workflows::{
    Attempt, BoxError, Done, Engine, NextOnError, Outcome, RunEnd, RunHooks, Step, StepError,
    StepSettings, Workflow,
};

use super::Declared;
use crate::{
    evidence::innocent,
    world::{World, config, quick},
};

type Writing = fn(&mut PgConnection, bool) -> BoxFuture<'_, Result<(), BoxError>>;

/// A step with a write that is told whether it is of the first attempt.
struct Clumsy;

impl Step for Clumsy {
    const NAME: &'static str = "clumsy";
    type Context = (Declared, Writing);
    type Input = u32;
    type Output = u32;

    fn settings() -> StepSettings {
        quick(4)
    }

    async fn run(cx: &Attempt<Self::Context>, n: u32) -> Result<Done<u32>, StepError> {
        let ((declared, write), first) = (*cx.context, cx.attempt == 1);
        Ok(declared.recording(Done::new(n), move |tx| write(tx, first)))
    }
}

const TABLES: &str = "CREATE TABLE wholes (id int PRIMARY KEY);
    INSERT INTO wholes VALUES (1);
    CREATE TABLE parts (whole int REFERENCES wholes DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE strict_parts (whole int REFERENCES wholes)";

/// Each first attempt fails, each second succeeds, and nobody beside them notices.
async fn is_an_error_of_its_attempt(write: Writing) {
    for declared in [Declared::Any, Declared::OwnRows] {
        let world = World::new().await;
        world.execute(TABLES).await;
        let route = Workflow::named("clumsy", 1)
            .step::<Clumsy>()
            .build()
            .with_context((declared, write));
        for n in 0..3 {
            world.start(&route, &n).await;
            world.start_innocents(7).await;
        }
        let engine = Engine::new(&world.pool, config());
        let engine = World::run(engine.register(&route).register(&innocent()));
        let patience = Duration::from_secs(10);
        world.succeed("innocent", 21, patience).await;
        world.others_go_on().await;
        world.succeed("clumsy", 3, patience).await;
        let mut attempts = world.attempts_of("clumsy").await;
        attempts.sort_unstable();
        assert_eq!(
            attempts,
            ["done", "done", "done", "error", "error", "error"],
            "{declared:?}"
        );
        world.assert_innocents_untouched().await;
        engine.stop().await;
    }
}

async fn insert(tx: &mut PgConnection, sql: &'static str, first: bool) -> Result<(), BoxError> {
    let whole = if first { 2 } else { 1 };
    sqlx::query(sql).bind(whole).execute(tx).await?;
    Ok(())
}

#[tokio::test]
async fn a_constraint_that_is_violated() {
    let write: Writing =
        |tx, first| insert(tx, "INSERT INTO strict_parts VALUES ($1)", first).boxed();
    is_an_error_of_its_attempt(write).await;
}

#[tokio::test]
async fn a_constraint_that_is_found_violated_at_the_commit() {
    let write: Writing = |tx, first| insert(tx, "INSERT INTO parts VALUES ($1)", first).boxed();
    is_an_error_of_its_attempt(write).await;
}

async fn ignore(tx: &mut PgConnection, first: bool) -> Result<(), BoxError> {
    if first {
        let _ = sqlx::query("SELECT 1 / 0").execute(tx).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_write_that_ignores_the_error_of_a_statement() {
    is_an_error_of_its_attempt(|tx, first| ignore(tx, first).boxed()).await;
}

/// The engine's own connection is well.
#[expect(
    clippy::unused_async,
    reason = "it stands for a call of another database"
)]
async fn elsewhere(first: bool) -> Result<(), BoxError> {
    if first {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        return Err(sqlx::Error::Io(refused).into());
    }
    Ok(())
}

#[tokio::test]
async fn a_write_that_did_not_reach_some_other_database() {
    is_an_error_of_its_attempt(|_, first| elsewhere(first).boxed()).await;
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Bare(&'static str);

#[tokio::test]
async fn a_write_with_an_error_of_its_own() {
    is_an_error_of_its_attempt(|_, first| {
        async move {
            if first {
                Err(Bare("no").into())
            } else {
                Ok(())
            }
        }
        .boxed()
    })
    .await;
}

struct ClumsyHook {
    hook: Writing,
    calls: AtomicU32,
}

impl RunHooks for ClumsyHook {
    async fn ended(&self, tx: &mut PgConnection, _: RunEnd) -> Result<(), BoxError> {
        let first = self.calls.fetch_add(1, Ordering::SeqCst) == 0;
        (self.hook)(tx, first).await
    }
}

/// A run whose hook goes wrong the first time that it is called.
async fn its_hook(hook: Writing, attempts: &[&str]) {
    let world = World::new().await;
    let calls = AtomicU32::new(0);
    let write: Writing = |_, _| async { Ok(()) }.boxed();
    let route = Workflow::named("clumsy", 1)
        .step::<Clumsy>()
        .hooks(ClumsyHook { hook, calls })
        .build()
        .with_context((Declared::OwnRows, write));
    let engine = Engine::new(&world.pool, config());
    let engine = World::run(engine.register(&route).register(&innocent()));
    world.start(&route, &1).await;
    world.succeed("clumsy", 1, Duration::from_secs(10)).await;
    assert_eq!(world.attempts_of("clumsy").await, *attempts);
    world.others_go_on().await;
    world.assert_idle().await;
    engine.stop().await;
}

#[tokio::test]
async fn a_hook_that_ignores_the_error_of_a_statement() {
    its_hook(|tx, first| ignore(tx, first).boxed(), &["error", "done"]).await;
}

#[tokio::test]
async fn a_hook_that_did_not_reach_some_other_database() {
    its_hook(|_, first| elsewhere(first).boxed(), &["error", "done"]).await;
}

/// A step that fails in all its attempts: by itself, or by its record.
struct Mortal;

impl Step for Mortal {
    const NAME: &'static str = "mortal";
    type Context = Option<Declared>;
    type Input = u32;
    type Output = u32;

    fn settings() -> StepSettings {
        quick(2)
    }

    async fn run(cx: &Attempt<Self::Context>, n: u32) -> Result<Done<u32>, StepError> {
        let declared = cx.context.ok_or(Bare("never")).or_retry()?;
        Ok(declared.recording(Done::new(n), |_| {
            async { Err(Bare("never").into()) }.boxed()
        }))
    }
}

/// With a step behind it, so that its end is not the run's.
struct Behind;

impl Step for Behind {
    const NAME: &'static str = "behind";
    type Context = Option<Declared>;
    type Input = u32;
    type Output = u32;

    async fn run(_: &Attempt<Self::Context>, n: u32) -> Result<Done<u32>, StepError> {
        Ok(Done::new(n))
    }
}

struct TellDeath;

impl RunHooks for TellDeath {
    async fn ended(&self, tx: &mut PgConnection, end: RunEnd) -> Result<(), BoxError> {
        let Outcome::Dead { step, error } = end.outcome else {
            return Ok(());
        };
        let insert = sqlx::query("INSERT INTO effects VALUES ($1, $2)").bind(end.subject);
        let insert = insert.bind(format!("dead at {step}: {error}"));
        insert.execute(tx).await?;
        Ok(())
    }
}

/// However it comes about, the hook is told that the run is dead.
async fn its_death_is_told(dies_by: Option<Declared>) {
    let world = World::new().await;
    let route = Workflow::named("mortal", 1)
        .step::<Mortal>()
        .step::<Behind>()
        .hooks(TellDeath)
        .build()
        .with_context(dies_by);
    let engine = world.engine(&route);
    let subject = world.start(&route, &1).await;
    world.reaches(subject, "dead").await;
    assert_eq!(
        world.effects(subject).await,
        ["dead at mortal: never"],
        "{dies_by:?}"
    );
    assert_eq!(world.attempts_of("mortal").await, ["error", "error"]);
    engine.stop().await;
}

#[tokio::test]
async fn a_death_by_the_step_is_told() {
    its_death_is_told(None).await;
}

#[tokio::test]
async fn a_death_by_a_write_is_told() {
    its_death_is_told(Some(Declared::Any)).await;
}

#[tokio::test]
async fn a_death_by_a_write_in_a_shared_transaction_is_told() {
    its_death_is_told(Some(Declared::OwnRows)).await;
}
