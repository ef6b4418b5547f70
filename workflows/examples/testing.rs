//! Testing a workflow: to its end in the test's own process, with hours skipped, and with every step run
//! twice or failed once.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p workflows --example testing
//! ```

use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use workflows::{
    Attempt, BoxError, Done, EngineConfig, Record, Rehearsal, Step, StepError, Workflow,
    testing::Harness, wait::End,
};

/// Sends a reminder a day later.
struct Remind;
impl Step for Remind {
    const NAME: &'static str = "remind";
    type Context = ();
    type Input = String;
    type Output = String;

    async fn run(_: &Attempt, what: String) -> Result<Done<String>, StepError> {
        Ok(Done::new(what).sleeping(Duration::from_hours(24)))
    }
}

struct Ring;
impl Step for Ring {
    const NAME: &'static str = "ring";
    type Context = ();
    type Input = String;
    type Output = ();

    async fn run(cx: &Attempt, what: String) -> Result<Done<()>, StepError> {
        println!("attempt {}: {what}", cx.attempt);
        Ok(Done::new(()).recording(Rung(what)))
    }
}

/// Written once, however often the step runs: it commits with the result.
struct Rung(String);
impl Record for Rung {
    const SHARES_COMMIT: bool = true;

    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        let insert = sqlx::query("INSERT INTO rung VALUES ($1)").bind(&self.0);
        insert.execute(tx).await?;
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    workflows::migrate(&pool).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS rung (what text)")
        .execute(&pool)
        .await?;
    let reminders = Workflow::named("reminders", 1)
        .step::<Remind>()
        .step::<Ring>()
        .build();
    for (rehearsal, what) in [
        (Rehearsal::None, "plain"),
        (Rehearsal::Twice, "every step twice"),
        (Rehearsal::FailedOnce, "every step failed once"),
    ] {
        let config = EngineConfig {
            rehearsal,
            ..EngineConfig::default()
        };
        let ended = Harness::new(&pool, config)
            .run(&reminders, &what.to_owned())
            .await?;
        assert!(matches!(ended.end, End::Succeeded(_)), "{:?}", ended.end);
    }
    let rows = sqlx::query_scalar("SELECT count(*) FROM rung");
    let rows: i64 = rows.fetch_one(&pool).await?;
    assert_eq!(rows, 3, "one row for each run");
    Ok(())
}
