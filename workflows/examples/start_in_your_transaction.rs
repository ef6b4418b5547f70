//! A run begins when your transaction commits, and never when it does not.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p workflows --example start_in_your_transaction
//! ```

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workflows::{Attempt, Done, Engine, EngineConfig, Hints, Step, StepError, Workflow, wait::End};

struct Greet;
impl Step for Greet {
    const NAME: &'static str = "greet";
    type Context = ();
    type Input = String;
    type Output = String;

    async fn run(_: &Attempt, name: String) -> Result<Done<String>, StepError> {
        Ok(Done::new(format!("Welcome, {name}!")))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    workflows::migrate(&pool).await?;
    let table = "CREATE TABLE IF NOT EXISTS members (member_id uuid PRIMARY KEY, name text)";
    sqlx::query(table).execute(&pool).await?;
    let (welcome, results) = Workflow::named("welcome", 1).step::<Greet>().build_typed();
    // With hints, workers hear of a run at once; without them, within about a second.
    let starter = welcome.starter().hinting(&Hints::new(&pool));

    let stop = CancellationToken::new();
    let engine = Engine::new(&pool, EngineConfig::default()).register(&welcome);
    let engine = tokio::spawn(engine.run(stop.clone(), CancellationToken::new()));

    let mut runs = Vec::new();
    for name in ["Ada", "Bob"] {
        let member = Uuid::now_v7();
        let mut tx = pool.begin().await?;
        let insert = sqlx::query("INSERT INTO members VALUES ($1, $2)").bind(member);
        insert.bind(name).execute(&mut *tx).await?;
        runs.push(
            starter
                .start(&mut tx, member, name, &name.to_owned())
                .await?,
        );
        if name == "Ada" {
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
    }
    let ended = results
        .wait(&pool, runs[0], Duration::from_secs(20))
        .await?;
    assert_eq!(ended, End::Succeeded("Welcome, Ada!".to_owned()));
    let Err(never) = results.wait(&pool, runs[1], Duration::ZERO).await else {
        return Err("Bob's run was started without Bob".into());
    };
    println!("{ended:?}; of the other: {never}");
    stop.cancel();
    engine.await??;
    Ok(())
}
