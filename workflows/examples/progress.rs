//! A long step says how far it is, and its next attempt goes on from its last checkpoint.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p workflows --example progress
//! ```

use sqlx::PgPool;
use workflows::{Attempt, Done, NextOnError, Step, StepError, Workflow, testing::run_to_end};

/// Reads a book, page by page, and is disturbed once.
struct Read;
impl Step for Read {
    const NAME: &'static str = "read";
    type Context = ();
    type Input = u32;
    /// The page at which the last attempt began.
    type Output = u32;

    async fn run(cx: &Attempt, pages: u32) -> Result<Done<u32>, StepError> {
        let first = cx.restore::<u32>().await?.unwrap_or(1);
        println!("attempt {} begins at page {first}", cx.attempt);
        for page in first..=pages {
            // For people who look; costs nothing worth mentioning.
            cx.progress(f64::from(page) / f64::from(pages), format!("page {page}"));
            if page == 60 && cx.attempt == 1 {
                return Err("the lights went out").or_retry();
            }
            if page % 20 == 0 {
                // On disk when this returns. An attempt that has lost its lease stores nothing.
                cx.checkpoint(&(page + 1)).await?;
            }
        }
        Ok(Done::new(first))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    workflows::migrate(&pool).await?;
    let reading = Workflow::named("reading", 1).step::<Read>().build();
    let ended = run_to_end(&pool, &reading, &100).await?;
    assert_eq!(ended.output(), Some(41), "it went on after page 40");
    Ok(())
}
