//! A deploy that could not go on with runs in flight is told before it happens, and a new version of
//! the workflow lives beside the old one.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p workflows --example versions
//! ```

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workflows::{
    Attempt, Done, Engine, EngineConfig, Step, StepError, Workflow,
    admin::check::{Build, problems},
    wait::{End, wait},
};

/// The old step: a name is a text.
struct Greet;
impl Step for Greet {
    const NAME: &'static str = "greet";
    type Context = ();
    type Input = String;
    type Output = String;

    async fn run(_: &Attempt, name: String) -> Result<Done<String>, StepError> {
        Ok(Done::new(format!("Hello, {name}!")))
    }
}

/// The new one has the same durable name, and a name is two texts.
struct GreetFormally;
impl Step for GreetFormally {
    const NAME: &'static str = "greet";
    type Context = ();
    type Input = (String, String);
    type Output = String;

    async fn run(_: &Attempt, (title, name): Self::Input) -> Result<Done<String>, StepError> {
        Ok(Done::new(format!("Good day, {title} {name}.")))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    workflows::migrate(&pool).await?;
    let old = Workflow::named("greeting", 1).step::<Greet>().build();
    // A run of the old build, which no worker has come to yet.
    let mut tx = pool.begin().await?;
    let name = "Ada".to_owned();
    let old_run = old
        .starter()
        .start(&mut tx, Uuid::now_v7(), "ada", &name)
        .await?;
    tx.commit().await?;

    // The same version with another input: the run in flight could not be read.
    let careless = Workflow::named("greeting", 1)
        .step::<GreetFormally>()
        .build();
    let said = problems(&pool, &Build::default().with(&careless)).await?;
    println!("careless: {}", said.first().ok_or("a problem was missed")?);

    // Another version, and the old one still in the build until its runs are through.
    let new = Workflow::named("greeting", 2)
        .step::<GreetFormally>()
        .build();
    let build = Build::default().with(&old).with(&new);
    let build = build.serving(&[("default".to_owned(), 10)]);
    let said = problems(&pool, &build).await?;
    assert!(said.is_empty(), "{said:?}");

    let mut tx = pool.begin().await?;
    let name = ("Countess".to_owned(), "Ada".to_owned());
    let new_run = new
        .starter()
        .start(&mut tx, Uuid::now_v7(), "ada", &name)
        .await?;
    tx.commit().await?;
    let stop = CancellationToken::new();
    let engine = Engine::new(&pool, EngineConfig::default());
    let engine = engine.register(&old).register(&new);
    let engine = tokio::spawn(engine.run(stop.clone(), CancellationToken::new()));
    for run in [old_run, new_run] {
        let end = wait::<String>(&pool, run, Duration::from_secs(20)).await?;
        println!("{end:?}");
        assert!(matches!(end, End::Succeeded(_)));
    }
    stop.cancel();
    engine.await??;
    Ok(())
}
