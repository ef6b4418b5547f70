//! One task for each chapter, on as many workers as there are, and one step when all are done.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p workflows --example fan_out
//! ```

use sqlx::PgPool;
use workflows::{
    Attempt, Done, FanOut, Joined, NextOnError, Step, StepError, Workflow, testing::run_to_end,
};

/// Hands on one child for each chapter, and the title past them.
struct Split;
impl Step for Split {
    const NAME: &'static str = "split";
    type Context = ();
    type Input = (String, u32);
    type Output = FanOut<u32, String>;

    async fn run(
        _: &Attempt,
        (title, chapters): (String, u32),
    ) -> Result<Done<Self::Output>, StepError> {
        Ok(Done::new(FanOut {
            children: (1..=chapters).collect(),
            carry: title,
        }))
    }
}

/// Runs once for each child.
struct Count;
impl Step for Count {
    const NAME: &'static str = "count";
    type Context = ();
    type Input = u32;
    type Output = u32;

    async fn run(cx: &Attempt, chapter: u32) -> Result<Done<u32>, StepError> {
        if chapter == 2 && cx.attempt == 1 {
            // Only this child is tried again.
            return Err("the page was stuck").or_retry();
        }
        Ok(Done::new(chapter * 1000))
    }
}

/// Runs exactly once, with the children's outputs in their order.
struct Sum;
impl Step for Sum {
    const NAME: &'static str = "sum";
    type Context = ();
    type Input = Joined<String, u32>;
    type Output = String;

    async fn run(_: &Attempt, book: Joined<String, u32>) -> Result<Done<String>, StepError> {
        let words: u32 = book.children.iter().sum();
        Ok(Done::new(format!("{} has {words} words", book.carry)))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    workflows::migrate(&pool).await?;
    let words = Workflow::named("words", 1)
        .step::<Split>()
        .fan_out::<Count>()
        .join::<Sum>()
        .build();
    let ended = run_to_end(&pool, &words, &("Emma".to_owned(), 3)).await?;
    let output: Option<String> = ended.output();
    println!("{output:?} after {} attempts", ended.attempts.len());
    assert_eq!(output.as_deref(), Some("Emma has 6000 words"));
    Ok(())
}
