//! Cancelling a run: its step is told, and so is the workflow, in the transaction that ends the run.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p workflows --example cancel
//! ```

use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workflows::{
    Attempt, BoxError, Done, Engine, EngineConfig, Outcome, RunEnd, RunHooks, RunState, Step,
    StepError, StepState, StoreError, Workflow,
    admin::{Actor, Hooks, runs},
    inspect::latest_run,
};

/// Never comes to its end. Dropping its future stops the work; `cx.cancelled` is for work that is done
/// elsewhere.
struct Count;
impl Step for Count {
    const NAME: &'static str = "count";
    type Context = ();
    type Input = ();
    type Output = ();

    async fn run(_: &Attempt, (): ()) -> Result<Done<()>, StepError> {
        std::future::pending().await
    }
}

struct Ends;
impl RunHooks for Ends {
    async fn ended(&self, tx: &mut PgConnection, end: RunEnd) -> Result<(), BoxError> {
        if let Outcome::Cancelled { by, reason } = end.outcome {
            let insert = sqlx::query("INSERT INTO cancelled VALUES ($1, $2)").bind(end.subject);
            let insert = insert.bind(format!("{by}: {reason}"));
            insert.execute(tx).await?;
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    workflows::migrate(&pool).await?;
    let table = "CREATE TABLE IF NOT EXISTS cancelled (subject uuid, why text)";
    sqlx::query(table).execute(&pool).await?;
    let sheep = Workflow::named("sheep", 1)
        .step::<Count>()
        .hooks(Ends)
        .build();
    let subject = Uuid::now_v7();
    let mut tx = pool.begin().await?;
    let run = sheep.starter().start(&mut tx, subject, "ada", &()).await?;
    tx.commit().await?;

    let stop = CancellationToken::new();
    let engine = Engine::new(&pool, EngineConfig::default()).register(&sheep);
    let engine = tokio::spawn(engine.run(stop.clone(), CancellationToken::new()));
    let begun = async || {
        let run = latest_run(&pool, subject)
            .await?
            .ok_or(sqlx::Error::RowNotFound)?;
        Ok::<_, StoreError>(
            run.steps
                .iter()
                .any(|step| step.state == StepState::Running),
        )
    };
    while !begun().await? {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let hooks = Hooks::default().with(&sheep);
    let by = Actor::new("ada", "I am asleep already").telling(&hooks);
    runs::cancel(&pool, run, by).await?;
    assert_eq!(runs::get(&pool, run).await?.state, RunState::Cancelled);
    let why: String = sqlx::query_scalar("SELECT why FROM cancelled WHERE subject = $1")
        .bind(subject)
        .fetch_one(&pool)
        .await?;
    println!("cancelled by {why}");
    stop.cancel();
    engine.await??;
    Ok(())
}
