//! What the runs of the fuzz do. Steps fail in every way that there is, until somebody says that it is
//! enough.

use std::time::Duration;

use rand::Rng;
use sqlx::{PgConnection, PgPool};
use workflows::{
    Attempt, Backoff, BoxError, Done, FanOut, FencingToken, Joined, NextOnError, Record, Rejection,
    RunId, Step, StepError, StepSettings, Workflow,
};

/// What the steps of a fan-out say of a join that is told too much or too little.
pub const WRONG: &str = "a join was given a wrong number of children";

/// Most children of a run.
const CHILDREN: u32 = 5;

pub fn route(pool: &PgPool) -> Workflow<u32> {
    Workflow::named("fuzz", 1)
        .step::<Prepare>()
        .step::<Split>()
        .fan_out::<Part>()
        .join::<Merge>()
        .step::<Finish>()
        .build()
        .with_context(pool.clone())
}

fn settings() -> StepSettings {
    let backoff = Backoff {
        first: Duration::from_millis(20),
        cap: Duration::from_millis(200),
        attempts: 3,
        ..Backoff::default()
    };
    StepSettings {
        backoff,
        ..StepSettings::default()
    }
}

/// Whether this attempt may come to a good end.
async fn luck(pool: &PgPool, may_reject: bool) -> Result<(), StepError> {
    let moment = rand::rng().random_range(1..60);
    tokio::time::sleep(Duration::from_millis(moment)).await;
    let enough = "SELECT EXISTS (SELECT FROM enough)";
    let enough = sqlx::query_scalar(enough).fetch_one(pool).await;
    if enough.or_unavailable("the database")? {
        return Ok(());
    }
    match rand::rng().random_range(0..100) {
        0..10 => Err("bad luck").or_retry(),
        10..16 => Err("very bad luck").or_fail(),
        16..19 => panic!("so much bad luck"),
        19..21 if may_reject => Err(StepError::Reject(Rejection {
            code: "unlucky".into(),
            message: "not this one".to_owned(),
            details: serde_json::Value::Null,
        })),
        _ => Ok(()),
    }
}

/// A result that leaves a row for its attempt. Some share their transaction with others.
fn leaving<O>(cx: &Attempt<PgPool>, what: &'static str, output: O) -> Done<O> {
    let (run, token) = (cx.run_id, cx.token);
    let done = Done::new(output);
    match token.0 % 2 {
        0 => done.recording(Trace::<false> { run, token, what }),
        _ => done.recording(Trace::<true> { run, token, what }),
    }
}

struct Trace<const SHARES: bool> {
    run: RunId,
    token: FencingToken,
    what: &'static str,
}

impl<const SHARES: bool> Record for Trace<SHARES> {
    const SHARES_COMMIT: bool = SHARES;

    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        let sql = "INSERT INTO traces (token, run_id, what) VALUES ($1, $2, $3)";
        let trace = sqlx::query(sql)
            .bind(self.token)
            .bind(self.run)
            .bind(self.what);
        trace.execute(tx).await?;
        Ok(())
    }
}

macro_rules! step {
    ($type:ident $name:literal in $queue:literal: $in:ty => $out:ty, |$luck:ident, $cx:ident, $input:ident| $body:expr) => {
        struct $type;
        impl Step for $type {
            const NAME: &'static str = $name;
            const QUEUE: &'static str = $queue;
            type Context = PgPool;
            type Input = $in;
            type Output = $out;
            fn settings() -> StepSettings {
                settings()
            }
            async fn run($cx: &Attempt<PgPool>, $input: $in) -> Result<Done<$out>, StepError> {
                let $luck = &*$cx.context;
                $body
            }
        }
    };
}

step!(Prepare "prepare" in "default": u32 => u32, |pool, cx, n| {
    luck(pool, true).await?;
    Ok(leaving(cx, "prepare", n))
});
step!(Split "split" in "default": u32 => FanOut<u32, u32>, |pool, cx, n| {
    luck(pool, false).await?;
    let count = n % (CHILDREN + 1);
    Ok(leaving(cx, "split", FanOut { children: (0..count).collect(), carry: count }))
});
step!(Part "part" in "parts": u32 => u32, |pool, cx, n| {
    luck(pool, true).await?;
    Ok(leaving(cx, "part", n))
});
step!(Merge "merge" in "default": Joined<u32, u32> => u32, |pool, cx, joined| {
    if joined.children != (0..joined.carry).collect::<Vec<_>>() {
        return Err(WRONG).or_fail();
    }
    luck(pool, false).await?;
    Ok(leaving(cx, "merge", joined.carry))
});
step!(Finish "finish" in "default": u32 => u32, |pool, cx, n| {
    luck(pool, false).await?;
    Ok(leaving(cx, "finish", n))
});
