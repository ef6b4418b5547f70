//! Writes and hooks that fail in unusual ways. It is an error of their attempt, and of no other.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use sqlx::PgConnection;
use workflows::{
    Done, Engine, NextOnError, Outcome, Step, StepContext, StepError, StepSettings, Workflow,
    step::BoxError,
};

use super::Declared;
use crate::{
    evidence::innocent,
    world::{World, config, quick},
};

type Writing = fn(&mut PgConnection, bool) -> BoxFuture<'_, Result<(), BoxError>>;

/// A step with a write that is told whether it is of the first attempt.
struct Clumsy {
    declared: Declared,
    write: Writing,
}

impl Step for Clumsy {
    const NAME: &'static str = "clumsy";
    type Input = u32;
    type Output = u32;

    fn settings(&self) -> StepSettings {
        quick(4)
    }

    async fn run(&self, context: &StepContext, n: u32) -> Result<Done<u32>, StepError> {
        let (write, first) = (self.write, context.attempt == 1);
        let done = Done::new(n);
        Ok(match self.declared {
            Declared::Any => done.writing(move |tx| write(tx, first)),
            Declared::OwnRows => done.writing_own_rows(move |tx| write(tx, first)),
        })
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
            .step(Clumsy { declared, write })
            .build();
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

/// A run whose hook goes wrong the first time that it is called.
async fn its_hook(hook: Writing, attempts: &[&str]) {
    let world = World::new().await;
    let calls = Arc::new(AtomicU32::new(0));
    let write: Writing = |_, _| async { Ok(()) }.boxed();
    let route = Workflow::named("clumsy", 1)
        .step(Clumsy {
            declared: Declared::OwnRows,
            write,
        })
        .on_end(move |tx, _| hook(tx, calls.fetch_add(1, Ordering::SeqCst) == 0))
        .build();
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

/// A step that fails in all its attempts: by itself, or by its write.
struct Mortal(Option<Declared>);

impl Step for Mortal {
    const NAME: &'static str = "mortal";
    type Input = u32;
    type Output = u32;

    fn settings(&self) -> StepSettings {
        quick(2)
    }

    async fn run(&self, _: &StepContext, n: u32) -> Result<Done<u32>, StepError> {
        let write: Writing = |_, _| async { Err(Bare("never").into()) }.boxed();
        match self.0 {
            None => Err(Bare("never")).or_retry(),
            Some(Declared::Any) => Ok(Done::new(n).writing(move |tx| write(tx, false))),
            Some(Declared::OwnRows) => {
                Ok(Done::new(n).writing_own_rows(move |tx| write(tx, false)))
            }
        }
    }
}

/// However it comes about, the hook is told that the run is dead.
async fn its_death_is_told(dies_by: Option<Declared>) {
    let world = World::new().await;
    // With a step behind it, so that its end is not the run's.
    let route = Workflow::named("mortal", 1)
        .step(Mortal(dies_by))
        .step(Clumsy {
            declared: Declared::Any,
            write: |_, _| async { Ok(()) }.boxed(),
        })
        .on_end(|tx, end| {
            async move {
                let Outcome::Dead { step, error } = end.outcome else {
                    return Ok(());
                };
                let insert = sqlx::query("INSERT INTO effects VALUES ($1, $2)").bind(end.subject);
                insert
                    .bind(format!("dead at {step}: {error}"))
                    .execute(tx)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .build();
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
