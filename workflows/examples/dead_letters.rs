//! What nothing helped waits in the dead letters, until somebody mends the cause and re-drives it.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p workflows --example dead_letters
//! ```

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workflows::{
    Attempt, Done, Engine, EngineConfig, NextOnError, RunId, Step, StepError, Workflow,
    admin::{
        Actor,
        dead_letters::{LetterFilter, summary},
        redrive::{self, Pace},
    },
    wait::{End, wait},
};

/// Fails as long as the recipe is missing.
struct Bake;
impl Step for Bake {
    const NAME: &'static str = "bake";
    type Context = AtomicBool;
    type Input = u32;
    type Output = String;

    async fn run(cx: &Attempt<AtomicBool>, loaf: u32) -> Result<Done<String>, StepError> {
        if !cx.context.load(Ordering::SeqCst) {
            return Err("the recipe is missing").or_fail();
        }
        Ok(Done::new(format!("loaf {loaf}")))
    }
}

async fn all(pool: &PgPool, runs: &[RunId], is: fn(&End<String>) -> bool) {
    for run in runs {
        let patience = async {
            while !wait(pool, *run, Duration::ZERO)
                .await
                .is_ok_and(|end| is(&end))
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), patience).await;
        waited.expect("the run does not come to that end");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    workflows::migrate(&pool).await?;
    let recipe = Arc::new(AtomicBool::new(false));
    let baking = Workflow::named("baking", 1).step::<Bake>().build();
    let mut runs = Vec::new();
    let mut tx = pool.begin().await?;
    for loaf in 0..5 {
        let starter = baking.starter();
        runs.push(starter.start(&mut tx, Uuid::now_v7(), "ada", &loaf).await?);
    }
    tx.commit().await?;
    let stop = CancellationToken::new();
    let engine = Engine::new(&pool, EngineConfig::default());
    let engine = engine.register(&baking.with_context(recipe.clone()));
    let engine = tokio::spawn(engine.run(stop.clone(), CancellationToken::new()));

    all(&pool, &runs, |end| matches!(end, End::Dead { .. })).await;
    // Letters of one cause are of one kind, however many they are.
    let kinds = summary(&pool, &LetterFilter::default()).await?;
    println!("{} letters: {}", kinds[0].letters, kinds[0].root_cause);

    recipe.store(true, Ordering::SeqCst);
    let filter = LetterFilter {
        fingerprint: Some(kinds[0].fingerprint.clone()),
        ..LetterFilter::default()
    };
    // Fifty in a second, and a hundred at most, so that a wrong guess does not hurt.
    let pace = Pace {
        per_second: 50.0,
        cap: 100,
    };
    let by = Actor::new("ada", "the recipe is back");
    redrive::request(&pool, &filter, None, pace, by).await?;
    all(&pool, &runs, |end| matches!(end, End::Succeeded(_))).await;
    println!("all are baked");
    stop.cancel();
    engine.await??;
    Ok(())
}
