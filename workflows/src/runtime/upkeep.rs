//! The engine's own scheduled work: old runs are removed by an ordinary run.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::{Connection, postgres::PgConnectOptions};

use crate::{
    Workflow,
    admin::retention::forget,
    step::{Done, NextOnError, Step, StepContext, StepError},
    store::{
        retention::prune,
        session::{Session, within},
    },
};

/// Time between two rounds.
pub(super) const EVERY: Duration = Duration::from_hours(1);
/// One batch may take this long.
const STATEMENT: Duration = Duration::from_mins(1);
/// Name of the workflow and of its schedule.
pub(crate) const NAME: &str = "workflows.upkeep";

/// The workflow that removes runs which ended longer ago than `age`.
pub(super) fn upkeep(options: &PgConnectOptions, lease: Duration) -> Workflow<Upkeep> {
    let session = Session::of(options, "upkeep", lease).patient(STATEMENT);
    Workflow::named(NAME, 1).step(Prune { session }).build()
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Upkeep {
    /// Seconds for which ended runs are kept.
    pub keep_seconds: u64,
}

struct Prune {
    session: Session,
}

impl Step for Prune {
    const NAME: &'static str = "prune";
    const QUEUE: &'static str = NAME;
    type Input = Upkeep;
    type Output = usize;

    async fn run(&self, _: &StepContext, input: Upkeep) -> Result<Done<usize>, StepError> {
        let age = Duration::from_secs(input.keep_seconds);
        let mut connection = self.session.open().await.or_retry()?;
        let mut pruned = 0;
        loop {
            let pruning = within(STATEMENT, prune(&mut connection, age));
            match pruning.await.or_retry()? {
                0 => break,
                some => pruned += some,
            }
        }
        while within(STATEMENT, forget(&mut connection, age))
            .await
            .or_retry()?
            > 0
        {}
        let _ = within(STATEMENT, connection.close()).await;
        Ok(Done::new(pruned))
    }
}
