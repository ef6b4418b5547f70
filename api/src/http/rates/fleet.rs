//! What an owner asks of several API processes counts together.
//!
//! No request waits for that. Each process counts by itself, tells the database now and then what owners took, and learns
//! what they took in all. Until it has learned of the others, it may let through a burst too many. While the database
//! is away, each process holds the rate alone.

use std::convert::Infallible;
use std::time::Duration;

use media::{OwnerId, pool, request_rates};
use sqlx::PgPool;
use tokio::time::{sleep, timeout};

use super::Rates;

/// Between two exchanges.
const EVERY: Duration = Duration::from_millis(500);

/// How long one may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Owners who take less than this part of their rate are not told of: there are many of them, and it would take as many
/// processes until they have too much.
const PART: u32 = 16;

/// Goes on for ever.
pub async fn share(rates: &Rates, pool: &PgPool) -> Infallible {
    let told = EVERY.as_secs_f64() * f64::from(rates.requests_per_second) / f64::from(PART);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a 32nd of a number of 32 bits"
    )]
    let least = told as u32;
    loop {
        sleep(EVERY).await;
        let taken = rates.taken(least);
        if taken.is_empty() {
            continue;
        }
        match timeout(LIMIT, exchange(pool, &taken)).await {
            Ok(Ok(all)) => rates.learn(&all),
            Ok(Err(error)) => tracing::debug!(%error, "rates were not exchanged"),
            Err(_) => tracing::debug!("rates were not exchanged in time"),
        }
    }
}

async fn exchange(
    pool: &PgPool,
    taken: &[(OwnerId, Duration)],
) -> Result<Vec<(OwnerId, Duration)>, sqlx::Error> {
    let mut connection = pool::borrow(pool).await?;
    request_rates::take(&mut connection, taken).await
}
