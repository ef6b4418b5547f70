//! What is run in the scenario.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use sqlx::PgPool;
use workflows::{
    Attempt, Done, FanOut, Joined, NextOnError, Rejection, Step, StepError, StepSettings, Workflow,
};

use crate::world::{leaving, quick, step};

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
/// Something happens to this process.
pub static DOOMED: AtomicBool = AtomicBool::new(false);
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
step!(Any "any": u32 => u32, quick(9), |_cx, n| Ok(Done::new(n)));
step!(Tick "tick": u32 => u32, quick(9), |cx, n| Ok(leaving(cx, "tick", n)));
fn hourly() -> StepSettings {
    let mut settings = quick(9);
    settings.backoff.first = Duration::from_hours(1);
    settings.backoff.cap = Duration::from_hours(1);
    settings
}
step!(Wait "wait": u32 => u32, hourly(), |_cx, _n| Err("not today").or_retry());

/// Dies until somebody wrote that the cause is mended.
struct Mortal;
impl Step for Mortal {
    const NAME: &'static str = "mortal";
    type Context = PgPool;
    type Input = u32;
    type Output = u32;
    async fn run(cx: &Attempt<PgPool>, n: u32) -> Result<Done<u32>, StepError> {
        let mended = "SELECT EXISTS (SELECT FROM effects WHERE what = 'mended')";
        if sqlx::query_scalar(mended)
            .fetch_one(&*cx.context)
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
    type Context = ();
    type Input = u32;
    type Output = u32;
    async fn run(cx: &Attempt, n: u32) -> Result<Done<u32>, StepError> {
        Ok(leaving(cx, "gated", n))
    }
}

/// One that dies until the cause is mended.
fn mortal(name: &'static str, pool: &PgPool) -> Workflow<u32> {
    let route = Workflow::named(name, 1).step::<Mortal>().build();
    route.with_context(pool.clone())
}

fn ticking(name: &'static str) -> Workflow<u32> {
    Workflow::named(name, 1).step::<Tick>().build()
}

/// The workflows of the scenario, each with how its runs end.
pub fn routes(pool: &PgPool) -> Vec<(Workflow<u32>, &'static str)> {
    let wide = Workflow::named("wide", 1)
        .step::<Begin>()
        .step::<Spread>()
        .fan_out::<Child>()
        .join::<Gather>();
    let chain = Workflow::named("chain", 1)
        .step::<One>()
        .step::<Two>()
        .step::<Three>()
        .step::<Four>();
    let judged = Workflow::named("judged", 1).step::<Judge>();
    let cancelled = Workflow::named("cancelled", 1).step::<Wait>();
    let gated = Workflow::named("gated", 1).step::<Tick>().step::<Gated>();
    let held = Workflow::named("held", 1).step::<Hold>();
    vec![
        // Four steps in one queue: the worker goes on with at least one of them.
        (chain.build(), "succeeded"),
        (wide.build(), "succeeded"),
        (judged.build(), "rejected"),
        (mortal("redriven", pool), "succeeded"),
        (mortal("bulk", pool), "succeeded"),
        (mortal("discarded", pool), "cancelled"),
        (cancelled.build(), "cancelled"),
        (gated.build(), "succeeded"),
        (held.build(), "succeeded"),
        (ticking("lost"), "succeeded"),
        (ticking("clock"), "succeeded"),
        (ticking("started"), "succeeded"),
    ]
}

/// A run that has nothing to do with the others.
pub fn other() -> Workflow<u32> {
    Workflow::named("other", 1).step::<Any>().build()
}

/// A run that somebody starts in the scenario.
pub fn started() -> Workflow<u32> {
    ticking("started")
}
