//! The engine's own scheduled work: old runs are removed by an ordinary run.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::{
    Workflow,
    step::{Done, NextOnError, Step, StepContext, StepError},
    store::retention::prune,
};

/// Time between two rounds.
pub(super) const EVERY: Duration = Duration::from_hours(1);
/// Name of the workflow and of its schedule.
pub(crate) const NAME: &str = "workflows.upkeep";

/// The workflow that removes runs which ended longer ago than `age`.
pub(super) fn upkeep(pool: PgPool) -> Workflow<Upkeep> {
    Workflow::named(NAME, 1).step(Prune { pool }).build()
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Upkeep {
    /// Seconds for which ended runs are kept.
    pub keep_seconds: u64,
}

struct Prune {
    pool: PgPool,
}

impl Step for Prune {
    const NAME: &'static str = "prune";
    const QUEUE: &'static str = NAME;
    type Input = Upkeep;
    type Output = usize;

    async fn run(&self, _: &StepContext, input: Upkeep) -> Result<Done<usize>, StepError> {
        let mut pruned = 0;
        loop {
            let age = Duration::from_secs(input.keep_seconds);
            match prune(&self.pool, age).await.or_retry()? {
                0 => return Ok(Done::new(pruned)),
                some => pruned += some,
            }
        }
    }
}
