//! Owners take turns, however much one of them sends; a priority is a head start in minutes.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p workflows --example fairness
//! ```

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workflows::{
    Attempt, Done, Engine, EngineConfig, Step, StepError, Workflow,
    admin::{
        Actor,
        limits::{self, Limit},
    },
};

/// Writes down in which order it was asked.
struct Print;
impl Step for Print {
    const NAME: &'static str = "print";
    const QUEUE: &'static str = "printer";
    type Context = Mutex<Vec<String>>;
    type Input = String;
    type Output = ();

    async fn run(cx: &Attempt<Self::Context>, page: String) -> Result<Done<()>, StepError> {
        cx.context.lock().expect("no panic").push(page);
        Ok(Done::new(()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    workflows::migrate(&pool).await?;
    let printing = Workflow::named("printing", 1).step::<Print>().build();
    let mut tx = pool.begin().await?;
    for page in 1..=20 {
        let starter = printing.starter();
        let page = format!("ada {page}");
        starter.start(&mut tx, Uuid::now_v7(), "ada", &page).await?;
    }
    // Ada's own: before her others, because it counts as started ten minutes earlier.
    let urgent = printing.starter().priority(-10);
    urgent
        .start(&mut tx, Uuid::now_v7(), "ada", &"ada, urgent".to_owned())
        .await?;
    let bobs = printing.starter();
    bobs.start(&mut tx, Uuid::now_v7(), "bob", &"bob 1".to_owned())
        .await?;
    tx.commit().await?;

    // Over all processes: at most one page at once of each owner, and fifty begin in a second.
    let limit = Limit {
        per_key: Some(1),
        per_second: Some(50.0),
        ..Limit::default()
    };
    let by = Actor::new("ada", "the printer is slow");
    limits::set(&pool, "printer", limit, by).await?;

    let printed = Arc::new(Mutex::new(Vec::new()));
    let config = EngineConfig {
        queues: vec![("printer".to_owned(), 1)],
        ..EngineConfig::default()
    };
    let stop = CancellationToken::new();
    let engine = Engine::new(&pool, config).register(&printing.with_context(printed.clone()));
    let engine = tokio::spawn(engine.run(stop.clone(), CancellationToken::new()));
    while printed.lock().expect("no panic").len() < 22 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    engine.await??;
    let printed = printed.lock().expect("no panic");
    println!("{printed:?}");
    let place = |page: &str| printed.iter().position(|printed| printed == page);
    assert!(
        place("bob 1") < Some(3),
        "Bob does not wait for Ada's twenty pages"
    );
    assert!(place("ada, urgent") < place("ada 1"));
    Ok(())
}
