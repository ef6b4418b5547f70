//! The engine's own scheduled work: old runs are removed by an ordinary run.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::store::error::StoreError;
use crate::{
    define::{
        step::{Attempt, Done, NextOnError, Step, StepError},
        workflow::Workflow,
    },
    protocol::UPKEEP,
    store::retention::forget,
    store::{
        events,
        reports::tidy,
        retention::prune,
        session::{Session, answered, within},
    },
};

/// Time between two rounds.
pub(crate) const EVERY: Duration = Duration::from_hours(1);
/// One batch may take this long.
const STATEMENT: Duration = Duration::from_mins(1);
/// Name of the workflow and of its schedule.
pub(crate) const NAME: &str = UPKEEP;

/// The workflow that removes runs which ended longer ago than `age`.
pub(crate) fn upkeep(options: &PgConnectOptions, lease: Duration) -> Workflow<Upkeep> {
    let session = Session::of(options, "upkeep", lease).patient(STATEMENT);
    Workflow::named(NAME, 1)
        .step::<Prune>()
        .build()
        .with_context(session)
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Upkeep {
    /// Seconds for which ended runs are kept. `None`: for ever.
    pub keep_seconds: Option<u64>,
    /// The same of events.
    #[serde(default)]
    pub keep_events_seconds: Option<u64>,
}

struct Prune;

impl Step for Prune {
    const NAME: &'static str = "prune";
    const QUEUE: &'static str = NAME;
    type Context = Session;
    type Input = Upkeep;
    type Output = usize;

    async fn run(cx: &Attempt<Session>, input: Upkeep) -> Result<Done<usize>, StepError> {
        let mut connection = cx.context.open().await.or_retry()?;
        let mut pruned = 0;
        if let Some(age) = input.keep_seconds.map(Duration::from_secs) {
            pruned = forget_runs(&mut connection, age).await.or_retry()?;
        }
        if let Some(age) = input.keep_events_seconds.map(Duration::from_secs) {
            forget_events(&mut connection, age).await.or_retry()?;
        }
        within(STATEMENT, tidy(&mut connection, None))
            .await
            .or_retry()?;
        let _ = answered(STATEMENT, connection.close()).await;
        Ok(Done::new(pruned))
    }
}

/// Removes runs that ended longer ago than `age`, and what people did then. Returns how many runs.
async fn forget_runs(connection: &mut PgConnection, age: Duration) -> Result<usize, StoreError> {
    let mut pruned = 0;
    loop {
        match within(STATEMENT, prune(connection, age)).await? {
            0 => break,
            some => pruned += some,
        }
    }
    while within(STATEMENT, forget(connection, age)).await? > 0 {}
    Ok(pruned)
}

async fn forget_events(connection: &mut PgConnection, age: Duration) -> Result<(), StoreError> {
    while within(STATEMENT, events::prune(connection, age)).await? > 0 {}
    Ok(())
}
