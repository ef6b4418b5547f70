//! What the workers are busy with.

use std::time::Duration;

use rand::Rng;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;
use workflows::{
    Attempt, Backoff, BoxError, Done, FanOut, Joined, NextOnError, Record, Step, StepError,
    StepSettings, Workflow,
};

use crate::patience::Patience;

/// Children of each run.
const CHILDREN: u32 = 4;
/// Rows that a run leaves: begin, spread, the children, gather.
pub const EFFECTS: i64 = 7;

/// The workflow; every step leaves a row.
pub fn route() -> Workflow<u32> {
    Workflow::named("chaos", 1)
        .step::<Begin>()
        .step::<Spread>()
        .fan_out::<Child>()
        .join::<Gather>()
        .build()
}

/// Starts the runs, spread over most of the time, whatever happens to Postgres meanwhile.
pub async fn start_runs(url: String, runs: u32, time: Duration) {
    let starter = route().starter();
    let pool = PgPool::connect(&url).await.unwrap();
    for run in 0..runs {
        tokio::time::sleep(time.mul_f64(0.9) / runs).await;
        // The subject tells whether a start whose answer was lost has happened.
        let subject = Uuid::now_v7();
        let patience = Patience::begin(format!("run {run} to be started"));
        while start(&pool, &starter, subject, run).await.is_err() {
            patience.pause().await;
        }
    }
}

async fn start(
    pool: &PgPool,
    starter: &workflows::Starter<u32>,
    subject: Uuid,
    run: u32,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut tx = pool.begin().await?;
    let there = "SELECT EXISTS (SELECT FROM workflows.runs WHERE subject = $1)";
    if !sqlx::query_scalar::<_, bool>(there)
        .bind(subject)
        .fetch_one(&mut *tx)
        .await?
    {
        let owner = format!("owner {}", run % 7);
        starter.start(&mut tx, subject, &owner, &run).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Patient with a world that is out to get it.
fn settings() -> StepSettings {
    let backoff = Backoff {
        first: Duration::from_millis(50),
        cap: Duration::from_secs(1),
        attempts: 1000,
        ..Backoff::default()
    };
    StepSettings {
        backoff,
        crash_limit: 1000,
        ..StepSettings::default()
    }
}

/// Takes a moment, fails now and then, and leaves its row.
async fn work<O>(cx: &Attempt, what: String, output: O) -> Result<Done<O>, StepError> {
    let (moment, fails) = {
        let mut random = rand::rng();
        (random.random_range(10..400), random.random_bool(0.05))
    };
    tokio::time::sleep(Duration::from_millis(moment)).await;
    if fails {
        return Err("bad luck").or_retry();
    }
    let subject = cx.subject;
    Ok(Done::new(output).recording(Effect { subject, what }))
}

struct Effect {
    subject: Uuid,
    what: String,
}

impl Record for Effect {
    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        let sql = "INSERT INTO effects VALUES ($1, $2)";
        let insert = sqlx::query(sql).bind(self.subject).bind(&self.what);
        insert.execute(tx).await?;
        Ok(())
    }
}

macro_rules! step {
    ($type:ident $name:literal: $in:ty => $out:ty, |$cx:ident, $input:ident| $body:expr) => {
        struct $type;
        impl Step for $type {
            const NAME: &'static str = $name;
            type Context = ();
            type Input = $in;
            type Output = $out;
            fn settings() -> StepSettings {
                settings()
            }
            async fn run($cx: &Attempt, $input: $in) -> Result<Done<$out>, StepError> {
                $body
            }
        }
    };
}

step!(Begin "begin": u32 => u32, |cx, n| work(cx, "begin".into(), n).await);
step!(Spread "spread": u32 => FanOut<u32, u32>, |cx, n| {
    let children = (0..CHILDREN).collect();
    work(cx, "spread".into(), FanOut { children, carry: n }).await
});
step!(Child "child": u32 => u32, |cx, n| work(cx, format!("child {n}"), n).await);
step!(Gather "gather": Joined<u32, u32> => usize, |cx, joined| {
    work(cx, "gather".into(), joined.children.len()).await
});
