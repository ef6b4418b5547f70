//! What an error means is said where it happens: try again, wait for a service, refuse, or give up.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p workflows --example retries
//! ```

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use sqlx::PgPool;
use workflows::{
    Attempt, AttemptOutcome, Backoff, Done, NextOnError, Rejection, Step, StepError, StepSettings,
    Workflow, testing::run_to_end, wait::End,
};

/// Asks a shop for a price. Its context is how often the shop was called: the shop is moody.
struct Price;
impl Step for Price {
    const NAME: &'static str = "price";
    /// While the shop is down, tasks of this step wait, and nothing is charged to them.
    const NEEDS: &'static [&'static str] = &["shop"];
    type Context = AtomicU32;
    type Input = String;
    type Output = u32;

    fn settings() -> StepSettings {
        StepSettings {
            // 1 s, 2 s, 4 s …, each anywhere between nothing and that; five attempts.
            backoff: Backoff {
                first: Duration::from_secs(1),
                factor: 2.0,
                attempts: 5,
                ..Backoff::default()
            },
            timeout: Duration::from_secs(30),
            ..StepSettings::default()
        }
    }

    async fn run(cx: &Attempt<AtomicU32>, book: String) -> Result<Done<u32>, StepError> {
        let calls = cx.context.fetch_add(1, Ordering::SeqCst) + 1;
        match (book.as_str(), calls) {
            // The world's fault: the backoff says when it is tried again.
            ("Emma", 1) => Err("the line was cut").or_retry(),
            // A service that is down: not charged to this task.
            ("Emma", 2) => Err("connection refused").or_unavailable("shop"),
            // The input's fault: the run ends, and its owner reads why.
            ("", _) => Err(StepError::Reject(Rejection {
                code: "no_title".into(),
                message: "a book needs a title".to_owned(),
                details: serde_json::Value::Null,
            })),
            // Our fault: into the dead letters, where somebody looks.
            ("Ulysses", _) => Err("this version cannot count so far").or_fail(),
            (book, _) => Ok(Done::new(u32::try_from(book.len()).or_fail()?)),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    workflows::migrate(&pool).await?;
    let prices = Workflow::named("prices", 1)
        .step::<Price>()
        .build()
        .with_context(AtomicU32::new(0));
    for book in ["Emma", "", "Ulysses"] {
        // Works on the run until it has ended or is dead. Delays are skipped.
        let ended = run_to_end(&pool, &prices, &book.to_owned()).await?;
        let attempts = ended.attempts.iter().map(|attempt| attempt.outcome);
        let attempts: Vec<_> = attempts.collect();
        println!("{book:?}: {attempts:?}, {:?}", ended.end);
        match book {
            "Emma" => assert_eq!(
                attempts,
                [
                    AttemptOutcome::Error,
                    AttemptOutcome::Unavailable,
                    AttemptOutcome::Done
                ]
            ),
            "" => assert!(matches!(ended.end, End::Rejected(_))),
            _ => assert!(matches!(ended.end, End::Dead { .. })),
        }
    }
    Ok(())
}
