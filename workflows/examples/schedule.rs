//! A run at intervals, in whichever worker comes first.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p workflows --example schedule
//! ```

use std::{
    sync::Arc,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use workflows::{Attempt, Done, Engine, EngineConfig, Step, StepError, Workflow};

/// Counts how often the bell was rung.
struct Ring;
impl Step for Ring {
    const NAME: &'static str = "ring";
    type Context = AtomicU32;
    type Input = String;
    type Output = ();

    async fn run(cx: &Attempt<AtomicU32>, bell: String) -> Result<Done<()>, StepError> {
        let rung = cx.context.fetch_add(1, Ordering::SeqCst) + 1;
        println!("{bell}: {rung}");
        Ok(Done::new(()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    workflows::migrate(&pool).await?;
    let rung = Arc::new(AtomicU32::new(0));
    let bells = Workflow::named("bells", 1).step::<Ring>().build();
    let stop = CancellationToken::new();
    let mut engines = Vec::new();
    // Two workers, as of two machines: each tick makes one run, not two.
    for _ in 0..2 {
        let engine = Engine::new(&pool, EngineConfig::default())
            .register(&bells.with_context(rung.clone()))
            .schedule(
                "big-ben",
                Duration::from_secs(1),
                &bells.starter(),
                "Big Ben".to_owned(),
            );
        engines.push(tokio::spawn(
            engine.run(stop.clone(), CancellationToken::new()),
        ));
    }
    while rung.load(Ordering::SeqCst) < 3 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.cancel();
    for engine in engines {
        engine.await??;
    }
    let count = "SELECT count(*) FROM workflows.runs WHERE workflow = 'bells'";
    let started: i64 = sqlx::query_scalar(count).fetch_one(&pool).await?;
    assert!(started <= 4, "{started} runs for three ticks");
    Ok(())
}
