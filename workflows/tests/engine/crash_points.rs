//! A process that dies at any commit boundary loses nothing and does nothing twice.
//!
//! A scenario walks through every transaction of the engine, as worker and as operator. It is
//! played in a process that aborts at one of them, and then played on in another process. What is
//! there at the end must be what would be there without. Every point is tried; one that the
//! scenario does not reach fails the test, so a new transaction needs its place in the scenario.

use std::{
    os::unix::process::ExitStatusExt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::{StreamExt, stream};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workflows::{
    Done, Engine, EngineConfig, FanOut, Joined, NextOnError, Rejection, Step, StepContext,
    StepError, StepSettings, Workflow,
    admin::{
        AdminError, Paging,
        dead_letters::{self, DeadLetter, LetterFilter},
        depths, queues,
        redrive::{self, Pace},
        runs::{self, RunEntry, RunFilter},
    },
    faults::{self, Moment, Transaction},
};

use crate::{
    process::Process,
    world::{BY, World, config, leaving, quick, step},
};

step!(Begin "begin": u32 => u32, quick(9), |cx, n| Ok(leaving(cx, "begin", n)));
step!(Spread "spread": u32 => FanOut<u32, ()>, quick(9), |cx, n| {
    Ok(leaving(cx, "spread", FanOut { children: (0..n).collect(), carry: () }))
});
step!(Child "child": u32 => u32, quick(9), |cx, n| {
    if n == 0 && cx.attempt == 1 {
        return Err("the first child fails once").or_retry();
    }
    Ok(leaving(cx, format!("child {n}"), n))
});
step!(Gather "gather": Joined<(), u32> => usize, quick(9), |cx, joined| {
    Ok(leaving(cx, "gather", joined.children.len()))
});
step!(Judge "judge": u32 => u32, quick(9), |_cx, _n| {
    let message = "not this one".to_owned();
    Err(StepError::Reject(Rejection { code: "no".into(), message, details: serde_json::Value::Null }))
});
static DOOMED: AtomicBool = AtomicBool::new(false);
step!(Hold "hold": u32 => u32, quick(9), |cx, n| {
    // Under way when the first process stops; goes through in the next.
    if DOOMED.load(Ordering::SeqCst) {
        cx.cancelled.cancelled().await;
    }
    Ok(leaving(cx, "hold", n))
});
step!(One "one": u32 => u32, quick(9), |cx, n| Ok(leaving(cx, "one", n)));
step!(Two "two": u32 => u32, quick(9), |cx, n| Ok(leaving(cx, "two", n)));
step!(Three "three": u32 => u32, quick(9), |cx, n| Ok(leaving(cx, "three", n)));
step!(Four "four": u32 => u32, quick(9), |cx, n| Ok(leaving(cx, "four", n)));
step!(Tick "tick": u32 => u32, quick(9), |cx, n| Ok(leaving(cx, "tick", n)));
fn hourly() -> StepSettings {
    let mut settings = quick(9);
    settings.backoff.first = Duration::from_hours(1);
    settings.backoff.cap = Duration::from_hours(1);
    settings
}
step!(Wait "wait": u32 => u32, hourly(), |_cx, _n| Err("not today").or_retry());

/// Dies until somebody wrote that the cause is mended.
struct Mortal(PgPool);
impl Step for Mortal {
    const NAME: &'static str = "mortal";
    type Input = u32;
    type Output = u32;
    async fn run(&self, cx: &StepContext, n: u32) -> Result<Done<u32>, StepError> {
        let mended = "SELECT EXISTS (SELECT FROM effects WHERE what = 'mended')";
        if sqlx::query_scalar(mended)
            .fetch_one(&self.0)
            .await
            .or_retry()?
        {
            return Ok(leaving(cx, "mortal", n));
        }
        Err("broken").or_fail()
    }
}

struct Gated;
impl Step for Gated {
    const NAME: &'static str = "gated";
    const QUEUE: &'static str = "gated";
    type Input = u32;
    type Output = u32;
    async fn run(&self, cx: &StepContext, n: u32) -> Result<Done<u32>, StepError> {
        Ok(leaving(cx, "gated", n))
    }
}

/// The workflows of the scenario, each with how its runs end.
fn routes(pool: &PgPool) -> Vec<(Workflow<u32>, &'static str)> {
    let wide = Workflow::named("wide", 1)
        .step(Begin)
        .step(Spread)
        .fan_out(Child)
        .join(Gather);
    let chain = Workflow::named("chain", 1)
        .step(One)
        .step(Two)
        .step(Three)
        .step(Four);
    vec![
        // Four steps in one queue: the worker goes on with at least one of them.
        (chain.build(), "succeeded"),
        (wide.build(), "succeeded"),
        (Workflow::named("judged", 1).step(Judge).build(), "rejected"),
        (
            Workflow::named("redriven", 1)
                .step(Mortal(pool.clone()))
                .build(),
            "succeeded",
        ),
        (
            Workflow::named("bulk", 1)
                .step(Mortal(pool.clone()))
                .build(),
            "succeeded",
        ),
        (
            Workflow::named("discarded", 1)
                .step(Mortal(pool.clone()))
                .build(),
            "cancelled",
        ),
        (
            Workflow::named("cancelled", 1).step(Wait).build(),
            "cancelled",
        ),
        (
            Workflow::named("gated", 1).step(Tick).step(Gated).build(),
            "succeeded",
        ),
        (Workflow::named("held", 1).step(Hold).build(), "succeeded"),
        (Workflow::named("lost", 1).step(Tick).build(), "succeeded"),
        (Workflow::named("clock", 1).step(Tick).build(), "succeeded"),
        (
            Workflow::named("started", 1).step(Tick).build(),
            "succeeded",
        ),
    ]
}

/// What is there before: runs, a task that a lost worker holds, a paused queue, due schedules, and
/// a run that is old enough to go.
async fn prepare(world: &World) {
    for (route, _) in routes(&world.pool).iter().take(10) {
        world.start(route, &3).await;
    }
    for sql in [
        "WITH task AS (
            SELECT t.task_id, t.run_id FROM workflows.tasks t JOIN workflows.runs r USING (run_id)
            WHERE r.workflow = 'lost'),
         claimed AS (DELETE FROM workflows.ready r USING task WHERE r.task_id = task.task_id),
         worker AS (INSERT INTO workflows.workers (name, build) VALUES ('lost', '0') RETURNING worker_id)
         INSERT INTO workflows.leases (task_id, run_id, token, worker_id, crash_limit, expires_at)
         SELECT task_id, run_id, 1, worker_id, 3, now() + interval '1 hour' FROM task, worker",
        "INSERT INTO workflows.queues (queue, paused_by, reason) VALUES ('gated', 'test', 'test')",
        "INSERT INTO workflows.schedules (name, next_at)
         VALUES ('clock', now()), ('workflows.upkeep', now())",
        "INSERT INTO workflows.runs
            (run_id, workflow, version, subject, fairness_key, state, input, created_at, ended_at)
         VALUES ('00000000-0000-7000-8000-000000000000', 'old', 1, gen_random_uuid(), 'owner', 'succeeded',
                 '1', '2001-01-01', '2001-01-01')",
    ] {
        sqlx::query(sql).execute(&world.pool).await.unwrap();
    }
}

/// Plays the scenario from wherever it stands. `point` names where this process aborts; without
/// one it plays to the end.
pub async fn scenario(url: &str, point: &str) {
    let armed = points().find(|point_of| name(*point_of) == point);
    if let Some((transaction, moment)) = armed {
        DOOMED.store(true, Ordering::SeqCst);
        faults::arm(transaction, moment);
    }
    let pool = PgPool::connect(url).await.unwrap();
    let config = EngineConfig {
        sweep: Duration::from_millis(40),
        retention: Some(Duration::from_hours(1)),
        ..config()
    };
    let mut engine = Engine::new(&pool, config);
    for (route, _) in routes(&pool) {
        engine = engine.register(&route);
        if route.name() == "clock" {
            engine = engine.schedule("clock", Duration::from_hours(1), &route.starter(), 1);
        }
    }
    let (stop, hasten) = (CancellationToken::new(), CancellationToken::new());
    let running = tokio::spawn(engine.run(stop.clone(), hasten.clone()));
    operate(&pool).await;
    if armed.is_none() {
        until(&pool, "held", &["succeeded"]).await;
    } else {
        until(&pool, "held", &["running", "succeeded"]).await;
    }
    until_pruned(&pool).await;
    until(&pool, "workflows.upkeep", &["succeeded"]).await;
    hasten.cancel();
    stop.cancel();
    running.await.unwrap().unwrap();
}

/// What the operator does. Each action is one that may be repeated by somebody who did not hear
/// the answer.
async fn operate(pool: &PgPool) {
    start(pool).await;
    for dying in ["redriven", "bulk", "discarded"] {
        until(pool, dying, &["dead", "succeeded", "cancelled"]).await;
    }
    let mended = "INSERT INTO effects VALUES ($1, 'mended') ON CONFLICT DO NOTHING";
    sqlx::query(mended)
        .bind(Uuid::nil())
        .execute(pool)
        .await
        .unwrap();
    if let Some(letter) = letter(pool, "redriven").await {
        tolerate(&dead_letters::redrive(pool, letter.letter_id, None, BY).await);
    }
    if let Some(letter) = letter(pool, "discarded").await {
        tolerate(&dead_letters::discard(pool, letter.letter_id, BY).await);
    }
    let filter = LetterFilter {
        workflow: Some("bulk".into()),
        ..LetterFilter::default()
    };
    let pace = Pace {
        per_second: 100.0,
        cap: 10,
    };
    redrive::request(pool, &filter, None, pace, BY)
        .await
        .unwrap();
    let refused = until(pool, "cancelled", &["running", "cancelled"]).await;
    tolerate(&runs::cancel(pool, refused.run_id, BY).await);
    let gated = until(pool, "gated", &["running", "succeeded"]).await;
    tolerate(&runs::pause(pool, gated.run_id, BY).await);
    tolerate(&runs::resume(pool, gated.run_id, BY).await);
    tolerate(&queues::resume(pool, "gated", BY).await);
    let judged = until(pool, "judged", &["rejected"]).await;
    tolerate(&runs::restart(pool, judged.run_id, None, BY).await);
    depths(pool, Duration::ZERO).await.unwrap();
    for (route, end) in routes(pool) {
        if route.name() != "held" {
            until(pool, route.name(), &[end]).await;
        }
    }
}

/// Starts a run unless it is there.
async fn start(pool: &PgPool) {
    let mut tx = pool.begin().await.unwrap();
    let there = "SELECT EXISTS (SELECT FROM workflows.runs WHERE workflow = 'started')";
    if !sqlx::query_scalar::<_, bool>(there)
        .fetch_one(&mut *tx)
        .await
        .unwrap()
    {
        let route = Workflow::named("started", 1).step(Tick).build();
        route
            .starter()
            .start(&mut tx, Uuid::now_v7(), "owner", &1)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
}

fn tolerate(result: &Result<(), AdminError>) {
    assert!(
        matches!(result, Ok(()) | Err(AdminError::Conflict(_))),
        "{result:?}"
    );
}

async fn letter(pool: &PgPool, workflow: &str) -> Option<DeadLetter> {
    let filter = LetterFilter {
        workflow: Some(workflow.into()),
        ..LetterFilter::default()
    };
    let page = dead_letters::list(pool, &filter, false, Paging::default())
        .await
        .unwrap();
    page.items.into_iter().next()
}

async fn run(pool: &PgPool, workflow: &str) -> Option<RunEntry> {
    let filter = RunFilter {
        workflow: Some(workflow.into()),
        ..RunFilter::default()
    };
    let page = runs::list(pool, &filter, Paging::default()).await.ok()?;
    page.items.into_iter().next()
}

async fn until(pool: &PgPool, workflow: &str, states: &[&str]) -> RunEntry {
    for _ in 0..2_000 {
        if let Some(run) = run(pool, workflow).await
            && states.contains(&run.state.as_str())
        {
            return run;
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    panic!("{workflow} did not get to {states:?}");
}

async fn until_pruned(pool: &PgPool) {
    for _ in 0..2_000 {
        if run(pool, "old").await.is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    panic!("the old run is still there");
}

fn points() -> impl Iterator<Item = (Transaction, Moment)> {
    Transaction::ALL
        .into_iter()
        .flat_map(|kind| [(kind, Moment::Before), (kind, Moment::After)])
}

fn name((transaction, moment): (Transaction, Moment)) -> String {
    format!("{moment:?}-{transaction}")
}

async fn dies_and_recovers(point: (Transaction, Moment)) {
    let world = World::new().await;
    prepare(&world).await;
    let patience = Duration::from_mins(1);
    let mut doomed = Process::start(&format!("scenario {}", name(point)), world.url());
    let status = doomed.end(patience).await;
    let status = status.unwrap_or_else(|| panic!("{point:?}: the first process hangs"));
    assert_eq!(
        status.signal(),
        Some(6),
        "{point:?} was not reached: {status}"
    );
    let mut next = Process::start("scenario", world.url());
    let status = next.end(patience).await;
    let status = status.unwrap_or_else(|| panic!("{point:?}: the second process hangs"));
    assert!(status.success(), "{point:?}: {status}");

    world.assert_idle().await;
    let expected = "begin, child 0, child 1, child 2, four, gated, gather, hold, mended, mortal, \
                    mortal, one, spread, three, tick, tick, tick, tick, two";
    let effects: Vec<String> = sqlx::query_scalar("SELECT what FROM effects ORDER BY what")
        .fetch_all(&world.pool)
        .await
        .unwrap();
    assert_eq!(effects.join(", "), expected, "{point:?}: each effect once");
    for (route, end) in routes(&world.pool) {
        let states = "SELECT state FROM workflows.runs WHERE workflow = $1";
        let states: Vec<String> = sqlx::query_scalar(states)
            .bind(route.name())
            .fetch_all(&world.pool)
            .await
            .unwrap();
        assert_eq!(states, [end], "{point:?}: {}", route.name());
    }
    let open = "SELECT count(*) FROM workflows.dead_letters WHERE resolved_at IS NULL";
    let open: i64 = sqlx::query_scalar(open)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(open, 0, "{point:?}: open letters");
}

#[tokio::test]
async fn a_process_may_die_at_any_commit() {
    stream::iter(points())
        .for_each_concurrent(6, dies_and_recovers)
        .await;
}
