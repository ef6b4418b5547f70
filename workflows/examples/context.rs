//! What steps work with is given to the workflow by the process that runs it. Processes that only start
//! runs need none of it.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p workflows --example context
//! ```

use std::sync::Arc;

use sqlx::{PgConnection, PgPool};
use workflows::{
    Attempt, BoxError, Done, NextOnError, Record, Starter, Step, StepError, Workflow,
    testing::run_to_end,
};

/// Clients and settings, made once in each process.
struct Services {
    pool: PgPool,
    greeting: String,
}

struct Greet;
impl Step for Greet {
    const NAME: &'static str = "greet";
    type Context = Services;
    type Input = i64;
    type Output = String;

    async fn run(cx: &Attempt<Services>, member: i64) -> Result<Done<String>, StepError> {
        let Services { pool, greeting } = &*cx.context;
        let name = sqlx::query_scalar("SELECT name FROM members WHERE id = $1").bind(member);
        let name: String = name.fetch_one(pool).await.or_retry()?;
        let text = format!("{greeting}, {name}!");
        Ok(Done::new(text).recording(Greeted { member }))
    }
}

/// Commits with the step's result.
struct Greeted {
    member: i64,
}
impl Record for Greeted {
    const SHARES_COMMIT: bool = true;

    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        let update = sqlx::query("UPDATE members SET greeted = true WHERE id = $1");
        update.bind(self.member).execute(tx).await?;
        Ok(())
    }
}

/// The same in all processes.
fn greeting() -> Workflow<i64, Services> {
    Workflow::named("greeting", 1).step::<Greet>().build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    workflows::migrate(&pool).await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS members (id bigint PRIMARY KEY, name text, greeted bool);
         INSERT INTO members VALUES (1, 'Ada', false) ON CONFLICT DO NOTHING",
    )
    .execute(&pool)
    .await?;
    // All that an API needs.
    let _starter: Starter<i64> = greeting().starter();
    // A worker gives the context; several workflows may share it.
    let services = Arc::new(Services {
        pool: pool.clone(),
        greeting: "Good morning".to_owned(),
    });
    let ended = run_to_end(&pool, &greeting().with_context(services), &1).await?;
    let text: String = ended.output().ok_or("no result")?;
    println!("{text}");
    assert_eq!(text, "Good morning, Ada!");
    Ok(())
}
