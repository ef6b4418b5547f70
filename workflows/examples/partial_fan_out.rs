//! A join that makes do without the children that died, instead of waiting for somebody to mend them.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p workflows --example partial_fan_out
//! ```

use sqlx::PgPool;
use workflows::{
    Attempt, Done, FanOut, Joined, Missing, NextOnError, Step, StepError, Workflow,
    testing::run_to_end,
};

struct Ask;
impl Step for Ask {
    const NAME: &'static str = "ask";
    type Context = ();
    type Input = Vec<String>;
    type Output = FanOut<String, ()>;

    async fn run(_: &Attempt, shops: Vec<String>) -> Result<Done<Self::Output>, StepError> {
        Ok(Done::new(FanOut {
            children: shops,
            carry: (),
        }))
    }
}

struct Quote;
impl Step for Quote {
    const NAME: &'static str = "quote";
    type Context = ();
    type Input = String;
    type Output = usize;

    async fn run(_: &Attempt, shop: String) -> Result<Done<usize>, StepError> {
        if shop == "closed" {
            return Err("nobody answers").or_fail();
        }
        Ok(Done::new(shop.len()))
    }
}

/// The type says that children may be missing: with `fan_out` this join would not compile.
struct Cheapest;
impl Step for Cheapest {
    const NAME: &'static str = "cheapest";
    type Context = ();
    type Input = Joined<(), Result<usize, Missing>>;
    type Output = (Option<usize>, Vec<String>);

    async fn run(_: &Attempt, quotes: Self::Input) -> Result<Done<Self::Output>, StepError> {
        let cheapest = quotes.children.iter().flatten().min().copied();
        let missing = quotes
            .children
            .iter()
            .filter_map(|quote| quote.as_ref().err());
        let missing = missing.map(|missing| missing.error.clone()).collect();
        Ok(Done::new((cheapest, missing)))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    workflows::migrate(&pool).await?;
    let quotes = Workflow::named("quotes", 1)
        .step::<Ask>()
        .fan_out_partial::<Quote>()
        .join::<Cheapest>()
        .build();
    let shops = ["corner", "closed", "mart"].map(str::to_owned).to_vec();
    let ended = run_to_end(&pool, &quotes, &shops).await?;
    let output: Option<(Option<usize>, Vec<String>)> = ended.output();
    println!("{output:?}");
    let (cheapest, missing) = output.ok_or("no result")?;
    assert_eq!((cheapest, missing.len()), (Some(4), 1));
    Ok(())
}
