//! Following what happens to runs, from a position: nothing is missed, and nothing comes twice.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p workflows --example events
//! ```

use std::pin::pin;

use futures::StreamExt;
use sqlx::PgPool;
use workflows::{
    Attempt, Done, Step, StepError, Workflow,
    events::{self, Detail, Kind},
    testing::run_to_end,
};

struct Double;
impl Step for Double {
    const NAME: &'static str = "double";
    type Context = ();
    type Input = i64;
    type Output = i64;

    async fn run(_: &Attempt, n: i64) -> Result<Done<i64>, StepError> {
        Ok(Done::new(n * 2))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    workflows::migrate(&pool).await?;
    let doubling = Workflow::named("doubling", 1)
        .step::<Double>()
        // Without this nothing is told.
        .events(Detail::Steps)
        .build();
    // Keep the position of the last event you dealt with, and go on from there after a restart.
    let position = events::end(&pool).await?;
    for n in 0..2 {
        run_to_end(&pool, &doubling, &n).await?;
    }
    let mut following = pin!(events::follow(&pool, Some(position)));
    let mut ends = 0;
    while ends < 2 {
        let event = following.next().await.ok_or("the stream ended")??;
        println!("{} {:?} {}", event.position, event.kind, event.details);
        if event.kind == Kind::Succeeded {
            ends += 1;
        }
    }
    Ok(())
}
