//! An order of books: check the stock, pack each book, send the parcel.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p workflows --example orders
//! ```
//!
//! Kill it in the middle and start it again: each order is sent exactly once.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workflows::{
    Attempt, BoxError, Done, Engine, EngineConfig, FanOut, Joined, NextOnError, Record, RunState,
    Step, StepError, Workflow,
    admin::{Paging, runs},
};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    customer: String,
    books: Vec<String>,
}

/// Hands on one child per book.
struct CheckStock;
impl Step for CheckStock {
    const NAME: &'static str = "check-stock";
    type Context = ();
    type Input = Order;
    type Output = FanOut<String, String>;

    async fn run(_: &Attempt, order: Order) -> Result<Done<Self::Output>, StepError> {
        if order.books.is_empty() {
            return Err("an order without books").or_fail();
        }
        Ok(Done::new(FanOut {
            children: order.books,
            carry: order.customer,
        }))
    }
}

/// Runs once for each book, on as many workers as there are.
struct Pack;
impl Step for Pack {
    const NAME: &'static str = "pack";
    const QUEUE: &'static str = "warehouse";
    type Context = ();
    type Input = String;
    type Output = u32;

    async fn run(cx: &Attempt, book: String) -> Result<Done<u32>, StepError> {
        if book.starts_with('M') && cx.attempt == 1 {
            // Tried again after a delay that is kept in the database.
            return Err("the shelf is too high").or_retry();
        }
        Ok(Done::new(u32::try_from(book.len()).or_fail()? * 10))
    }
}

/// Follows exactly once, when every book is packed.
struct Send;
impl Step for Send {
    const NAME: &'static str = "send";
    type Context = ();
    type Input = Joined<String, u32>;
    type Output = String;

    async fn run(cx: &Attempt, order: Self::Input) -> Result<Done<String>, StepError> {
        let (id, grams) = (cx.subject, order.children.iter().sum::<u32>());
        let parcel = format!("{grams} g to {}", order.carry);
        Ok(Done::new(parcel).recording(Sent { id, grams }))
    }
}

/// Its row commits together with the end of the run.
struct Sent {
    id: Uuid,
    grams: u32,
}

impl Record for Sent {
    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        let sql = "INSERT INTO parcels (order_id, grams) VALUES ($1, $2)";
        let grams = i64::from(self.grams);
        sqlx::query(sql)
            .bind(self.id)
            .bind(grams)
            .execute(tx)
            .await?;
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPool::connect(&std::env::var("DATABASE_URL")?).await?;
    workflows::migrate(&pool).await?;
    let parcels = "CREATE TABLE IF NOT EXISTS parcels (order_id uuid PRIMARY KEY, grams bigint)";
    sqlx::query(parcels).execute(&pool).await?;
    let orders = Workflow::named("order", 1)
        .step::<CheckStock>()
        .fan_out::<Pack>()
        .join::<Send>()
        .build();

    // The order and its run exist together or not at all.
    let mut tx = pool.begin().await?;
    let order = Order {
        customer: "Ada".to_owned(),
        books: vec![
            "Emma".to_owned(),
            "Middlemarch".to_owned(),
            "Walden".to_owned(),
        ],
    };
    let run = orders
        .starter()
        .start(&mut tx, Uuid::now_v7(), &order.customer, &order)
        .await?;
    tx.commit().await?;

    let config = EngineConfig {
        queues: vec![("default".to_owned(), 4), ("warehouse".to_owned(), 2)],
        ..EngineConfig::default()
    };
    let (stop, hasten) = (CancellationToken::new(), CancellationToken::new());
    let engine = Engine::new(&pool, config).register(&orders);
    let working = tokio::spawn(engine.run(stop.clone(), hasten));
    while runs::get(&pool, run).await?.state == RunState::Running {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for run in runs::list(&pool, &runs::RunFilter::default(), Paging::default())
        .await?
        .items
    {
        // A list carries no results.
        let run = runs::get(&pool, run.run_id).await?;
        let result = run.result.map(|result| result.to_string());
        println!(
            "{} {} {}",
            run.run_id,
            run.state,
            result.unwrap_or_default()
        );
    }
    stop.cancel();
    working.await??;
    Ok(())
}
