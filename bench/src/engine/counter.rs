//! Counting steps inside this process, so that nobody has to ask the database under load.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use sqlx::PgConnection;

/// Without a single step for this long, something is stuck.
const PATIENCE: Duration = Duration::from_mins(1);

/// Steps entered so far. Clones share the number.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits until `target` steps were entered and the query `left`, asked only then, gives 0.
    pub async fn drained(
        &self,
        target: u64,
        connection: &mut PgConnection,
        left: &'static str,
    ) -> Result<()> {
        let (mut seen, mut since) = (self.get(), Instant::now());
        loop {
            let now = self.get();
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
            if now >= target {
                let query = sqlx::query_scalar(left);
                let left: i64 = query.fetch_one(&mut *connection).await?;
                if left == 0 {
                    return Ok(());
                }
            }
            ensure!(
                since.elapsed() < PATIENCE,
                "stuck at {now} of {target} steps"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Things per second.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub fn rate(things: u64, time: Duration) -> f64 {
    things as f64 / time.as_secs_f64()
}
