//! Metrics go to whatever recorder the process has; here in the format of Prometheus.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p workflows --example metrics
//! ```

use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use sqlx::PgPool;
use workflows::{
    Attempt, Done, NextOnError, Step, StepError, Workflow, admin::depths, testing::run_to_end,
};

struct Square;
impl Step for Square {
    const NAME: &'static str = "square";
    type Context = ();
    type Input = i64;
    type Output = i64;

    async fn run(cx: &Attempt, n: i64) -> Result<Done<i64>, StepError> {
        if cx.attempt == 1 {
            return Err("slipped").or_retry();
        }
        Ok(Done::new(n * n))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let recorder = PrometheusBuilder::new().install_recorder()?;
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    workflows::migrate(&pool).await?;
    let squares = Workflow::named("squares", 1).step::<Square>().build();
    for n in 0..3 {
        run_to_end(&pool, &squares, &n).await?;
    }
    // What this process did: attempts by their outcome, how long steps and commits took, and so on.
    let text = recorder.render();
    for line in text
        .lines()
        .filter(|line| line.starts_with("workflows_attempts_total"))
    {
        println!("{line}");
    }
    let done = |line: &str| line.contains("outcome=\"done\"") && line.ends_with(" 3");
    assert!(text.lines().any(done), "three attempts are done");
    // What waits in the database is the same for all processes: let one of them export it.
    let depths = depths(&pool, Duration::ZERO).await?;
    println!("{depths:?}");
    Ok(())
}
