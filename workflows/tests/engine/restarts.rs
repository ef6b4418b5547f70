//! Runs that are over and start again.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::Row;
use workflows::{
    Done, FanOut, Joined, NextOnError, Rejection, RunId, StepError, Workflow,
    admin::{
        AdminError, audit,
        dead_letters::show,
        runs::{self, restart},
    },
};

use crate::world::{BY, World, quick, step};

static FACTOR: AtomicU32 = AtomicU32::new(1);
step!(Plan "plan": u32 => FanOut<u32, u32>, quick(1), |_cx, n| {
    Ok(Done::new(FanOut { children: (0..n).collect(), carry: n }))
});
step!(Part "part": u32 => u32, quick(1), |_cx, n| Ok(Done::new(n * FACTOR.load(Ordering::SeqCst))));
step!(Whole "whole": Joined<u32, u32> => u32, quick(1), |_cx, joined| {
    Ok(Done::new(joined.children.iter().sum::<u32>() + joined.carry))
});

async fn refused(world: &World, run: RunId, from_step: Option<&str>) -> String {
    match restart(&world.pool, run, from_step, BY).await {
        Err(AdminError::Conflict(why)) => why.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The greatest token in the run's history.
async fn last_token(world: &World, run: RunId) -> i64 {
    let sql = "SELECT max(token) FROM workflows.attempts WHERE run_id = $1";
    let token = sqlx::query(sql).bind(run).fetch_one(&world.pool).await;
    token.unwrap().get(0)
}

#[tokio::test]
async fn a_run_that_succeeded_is_done_again_from_any_step_it_has_been_through() {
    let world = World::new().await;
    let route = Workflow::named("stages", 1)
        .step::<Plan>()
        .fan_out::<Part>()
        .join::<Whole>()
        .build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &4).await;
    world.reaches(subject, "succeeded").await;
    assert_eq!(world.result(subject).await, 6 + 4);
    let run = world.run_of(subject).await;
    let before = last_token(&world, run).await;

    FACTOR.store(10, Ordering::SeqCst);
    let why = refused(&world, run, Some("nowhere")).await;
    assert_eq!(
        why,
        "the run cannot start again from nowhere: it has not been through it"
    );
    // Not in the middle of a fan-out.
    refused(&world, run, Some("part")).await;
    restart(&world.pool, run, None, BY).await.unwrap();
    let going_on = runs::get(&world.pool, run).await.unwrap();
    assert!(going_on.state == workflows::RunState::Succeeded || going_on.ended_at.is_none());
    world.reaches(subject, "succeeded").await;
    assert_eq!(world.result(subject).await, 60 + 4, "all anew");
    let first: Value = world.result(subject).await;
    restart(&world.pool, run, Some("whole"), BY).await.unwrap();
    world.reaches(subject, "succeeded").await;
    assert_eq!(world.result(subject).await, first, "the join alone");
    restart(&world.pool, run, Some("plan"), BY).await.unwrap();
    world.reaches(subject, "succeeded").await;
    assert!(last_token(&world, run).await > before);
    let target = run.to_string();
    let entries = audit::list(&world.pool, Some(&target), None, 10).await;
    let entries = entries.unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!(
        (entries[0].action.as_str(), &entries[0].details),
        (
            "run.restart",
            &json!({ "from_step": "plan", "was": "succeeded" })
        )
    );
    world.assert_idle().await;
    engine.stop().await;
}

step!(Judge "judge": u32 => u32, quick(1), |_cx, n| {
    if MERCY.load(Ordering::SeqCst) {
        return Ok(Done::new(n));
    }
    let message = "not this one".to_owned();
    Err(StepError::Reject(Rejection { code: "no".into(), message, details: Value::Null }))
});
static MERCY: AtomicBool = AtomicBool::new(false);

#[tokio::test]
async fn a_rejected_run_and_one_cancelled_before_its_first_attempt_start_again() {
    let world = World::new().await;
    let route = Workflow::named("judged", 1).step::<Judge>().build();
    // Nobody is there yet.
    let untouched = world.start(&route, &1).await;
    let run = world.run_of(untouched).await;
    refused(&world, run, None).await;
    runs::pause(&world.pool, run, BY).await.unwrap();
    runs::cancel(&world.pool, run, BY).await.unwrap();
    let cancelled = runs::get(&world.pool, run).await.unwrap();
    assert_eq!(cancelled.paused, None, "a run that is over is not paused");
    let engine = world.engine(&route);
    let rejected = world.start(&route, &2).await;
    world.reaches(rejected, "rejected").await;
    MERCY.store(true, Ordering::SeqCst);
    restart(&world.pool, run, Some("judge"), BY).await.unwrap();
    world.reaches(untouched, "succeeded").await;
    let run = world.run_of(rejected).await;
    restart(&world.pool, run, None, BY).await.unwrap();
    world.reaches(rejected, "succeeded").await;
    assert_eq!(world.result(rejected).await, 2);
    world.assert_idle().await;
    engine.stop().await;
}

step!(Held "held": u32 => u32, quick(3), |_cx, n| {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !RELEASED.load(Ordering::SeqCst) && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(Done::new(n))
});
static RELEASED: AtomicBool = AtomicBool::new(false);

#[tokio::test]
async fn a_late_word_of_a_cancel_stops_nothing_that_began_since() {
    let world = World::new().await;
    let route = Workflow::named("held", 1).step::<Held>().build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &1).await;
    let run = world.run_of(subject).await;
    let leased = "SELECT token FROM workflows.leases WHERE run_id = $1 AND token > $2";
    let token_after = async |run: RunId, token: i64| {
        let looking = || sqlx::query_scalar(leased).bind(run).bind(token);
        let look = async || looking().fetch_optional(&world.pool).await.unwrap();
        world.until("an attempt", look).await
    };
    let cancelled: i64 = token_after(run, 0).await;
    runs::cancel(&world.pool, run, BY).await.unwrap();
    restart(&world.pool, run, None, BY).await.unwrap();
    let restarted: i64 = token_after(run, cancelled).await;
    let stop = async |run: RunId, token: i64| {
        let stop = format!("{run} {token}");
        let notify = sqlx::query("SELECT pg_notify('workflows_cancelled', $1)").bind(stop);
        notify.execute(&world.pool).await.unwrap();
    };
    stop(run, cancelled).await;
    // Notifications arrive in order: when this one has, the other has, too. It names an attempt that
    // nobody has cancelled, so that the heartbeat does not stop it.
    let other = world.start(&route, &2).await;
    let other = world.run_of(other).await;
    let stopped: i64 = token_after(other, 0).await;
    stop(other, stopped).await;
    let again: i64 = token_after(other, stopped).await;
    assert!(again > stopped, "it was handed back and begun anew");
    assert_eq!(
        token_after(run, 0).await,
        restarted,
        "the same attempt goes on"
    );
    RELEASED.store(true, Ordering::SeqCst);
    world.reaches(subject, "succeeded").await;
    let outcomes = "SELECT outcome FROM workflows.attempts WHERE run_id = $1 ORDER BY token";
    let outcomes: Vec<String> = sqlx::query_scalar(outcomes)
        .bind(run)
        .fetch_all(&world.pool)
        .await
        .unwrap();
    assert_eq!(outcomes, ["cancelled", "done"]);
    engine.stop().await;
}

step!(Hopeless "hopeless": u32 => u32, quick(1), |_cx, n| {
    if HOPE.load(Ordering::SeqCst) {
        return Ok(Done::new(n));
    }
    Err("beyond help").or_fail()
});
static HOPE: AtomicBool = AtomicBool::new(false);

#[tokio::test]
async fn a_dead_run_starts_again_and_its_letter_is_resolved() {
    let world = World::new().await;
    let route = Workflow::named("hopeless", 1).step::<Hopeless>().build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &7).await;
    world.reaches(subject, "dead").await;
    let letter = world.letter().await;
    runs::pause(&world.pool, letter.run_id, BY).await.unwrap();
    HOPE.store(true, Ordering::SeqCst);
    restart(&world.pool, letter.run_id, None, BY).await.unwrap();
    let paused = runs::get(&world.pool, letter.run_id).await.unwrap();
    assert!(paused.paused.is_some(), "it did not end, so it is held on");
    assert_eq!(world.count("ready").await, 0);
    runs::resume(&world.pool, letter.run_id, BY).await.unwrap();
    world.reaches(subject, "succeeded").await;
    let letter = show(&world.pool, letter.letter_id).await.unwrap().letter;
    assert_eq!(letter.resolution, Some(workflows::Resolution::Redriven));
    world.assert_idle().await;
    engine.stop().await;
}

#[tokio::test]
async fn a_run_does_not_start_again_beside_another_with_its_unique_key() {
    let world = World::new().await;
    let route = Workflow::named("judged", 1).step::<Judge>().build();
    let first = world.start(&route, &1).await;
    let first = world.run_of(first).await;
    runs::cancel(&world.pool, first, BY).await.unwrap();
    world.start(&route, &2).await;
    sqlx::query("UPDATE workflows.runs SET unique_key = 'one'")
        .execute(&world.pool)
        .await
        .unwrap();
    let why = refused(&world, first, None).await;
    assert_eq!(why, "another run with the same unique key is going on");
    assert_eq!(world.count("tasks").await, 1);
}

#[tokio::test]
async fn an_action_is_part_of_the_callers_transaction() {
    let world = World::new().await;
    let route = Workflow::named("judged", 1).step::<Judge>().build();
    let subject = world.start(&route, &1).await;
    let run = world.run_of(subject).await;
    let mut tx = world.pool.begin().await.unwrap();
    let _ = runs::cancel_in(&mut tx, run, BY).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(world.count("ready").await, 1, "nothing has happened");
    let mut tx = world.pool.begin().await.unwrap();
    let hints = runs::cancel_in(&mut tx, run, BY).await.unwrap();
    tx.commit().await.unwrap();
    hints.send(&world.pool).await;
    world.reaches(subject, "cancelled").await;
    world.assert_idle().await;
}
