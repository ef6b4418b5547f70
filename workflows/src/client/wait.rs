//! Waiting for the result of a run, with its type.
//!
//! ```no_run
//! # use std::time::Duration;
//! # use workflows::{Attempt, Done, Step, StepError, Workflow};
//! # struct Double;
//! # impl Step for Double {
//! #     const NAME: &'static str = "double";
//! #     type Context = ();
//! #     type Input = i64;
//! #     type Output = i64;
//! #     async fn run(_: &Attempt, input: i64) -> Result<Done<i64>, StepError> {
//! #         Ok(Done::new(input * 2))
//! #     }
//! # }
//! # async fn example(pool: sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
//! use workflows::wait::End;
//!
//! let (route, results) = Workflow::named("double", 1).step::<Double>().build_typed();
//! let mut tx = pool.begin().await?;
//! let run = route.starter().start(&mut tx, uuid::Uuid::now_v7(), "owner", &21).await?;
//! tx.commit().await?;
//! match results.wait(&pool, run, Duration::from_secs(10)).await? {
//!     End::Succeeded(doubled) => println!("{}", doubled + 0_i64),
//!     other => println!("{other:?}"),
//! }
//! # Ok(())
//! # }
//! ```

use std::time::Duration;

use rand::Rng;
use serde::{Deserialize, de::DeserializeOwned};
use sqlx::PgPool;
use tokio::time::Instant;

use crate::protocol::state::RunState;
use crate::store::error::{StoreError, in_chain};
use crate::{
    define::{ids::RunId, payload::Payload, step::Rejection},
    store::{
        ends::{self, Stand},
        session::{ANSWER, within},
    },
};

pub use crate::define::results::Results;

/// Time between two looks, which doubles with each.
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(500);

/// How a run ended, or that it has not.
#[derive(Debug, Clone, PartialEq)]
pub enum End<O> {
    /// The last step is done and handed this on.
    Succeeded(O),
    /// A step refused the input.
    Rejected(Rejection),
    /// A task is in the dead letters. The run has not ended: somebody may re-drive it.
    Dead {
        /// The step that died.
        step: String,
        /// Its last error.
        error: String,
    },
    /// Somebody ended it.
    Cancelled {
        /// The actor's name, as in the audit.
        by: String,
        /// The reason that the actor gave.
        reason: String,
    },
    /// It goes on, and the time is over.
    NotYet,
}

/// The end of a run could not be told.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// There is no such run: its start was never committed, or it ended long ago.
    #[error("there is no run {0}")]
    NotFound(RunId),
    /// The run is another workflow's, whose result has another type.
    #[error("the run {run} is one of {workflow} version {version}")]
    Another {
        /// The run that was waited for.
        run: RunId,
        /// Durable name of its workflow.
        workflow: String,
        /// The version that it was started with.
        version: i32,
    },
    /// What the run ended with does not decode as the type that was asked for.
    #[error("the run's result does not decode")]
    Undecodable(#[source] serde_json::Error),
    /// The database refused, or was not there until the time was over.
    #[error("the database could not be asked")]
    Database(#[from] StoreError),
}

/// Waits until a run has ended or is dead, at most about `limit`; with no time it looks once. The
/// caller says what the last step hands on; [`Results`] knows it.
pub async fn wait<O: DeserializeOwned>(
    pool: &PgPool,
    run: RunId,
    limit: Duration,
) -> Result<End<O>, WaitError> {
    wait_for(pool, run, limit, None).await
}

impl<O: DeserializeOwned> Results<O> {
    /// Waits until a run of the workflow has ended or is dead, at most about `limit`; with no time it
    /// looks once.
    pub async fn wait(
        &self,
        pool: &PgPool,
        run: RunId,
        limit: Duration,
    ) -> Result<End<O>, WaitError> {
        let workflow = Some((self.workflow, self.version));
        wait_for(pool, run, limit, workflow).await
    }
}

async fn wait_for<O: DeserializeOwned>(
    pool: &PgPool,
    run: RunId,
    limit: Duration,
    expected: Option<(&str, i32)>,
) -> Result<End<O>, WaitError> {
    let over = Instant::now() + limit;
    let mut pause = SHORTEST;
    loop {
        let left = over.saturating_duration_since(Instant::now());
        let patience = left.clamp(Duration::from_secs(1), ANSWER);
        let stand = match within(patience, ends::stand(pool, run)).await {
            Err(error) if in_chain(&error).is_some() && !left.is_zero() => {
                tracing::debug!(error = %error, run.id = %run, "no answer about a run yet");
                None
            }
            stand => Some(stand?.ok_or(WaitError::NotFound(run))?),
        };
        if let Some(stand) = stand {
            let found = (stand.workflow.as_str(), stand.version);
            if expected.is_some_and(|expected| expected != found) {
                return Err(WaitError::Another {
                    run,
                    workflow: stand.workflow,
                    version: stand.version,
                });
            }
            match end_of(&stand)? {
                End::NotYet if left.is_zero() => return Ok(End::NotYet),
                End::NotYet => {}
                end => return Ok(end),
            }
        }
        let jitter = rand::rng().random_range(0.75..1.25);
        tokio::time::sleep(pause.mul_f64(jitter).min(left)).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// Who cancelled a run, as it is kept.
#[derive(Deserialize)]
struct Cancelled {
    cancelled_by: String,
    reason: String,
}

fn end_of<O: DeserializeOwned>(stand: &Stand) -> Result<End<O>, WaitError> {
    let result = Payload::stored(stand.result.as_deref().unwrap_or("null"));
    Ok(match stand.state {
        RunState::Succeeded => End::Succeeded(result.decode().map_err(WaitError::Undecodable)?),
        RunState::Rejected => End::Rejected(result.decode().map_err(WaitError::Undecodable)?),
        RunState::Cancelled => {
            let Cancelled {
                cancelled_by,
                reason,
            } = result.decode().map_err(WaitError::Undecodable)?;
            End::Cancelled {
                by: cancelled_by,
                reason,
            }
        }
        RunState::Dead => End::Dead {
            step: stand.dead_step.clone().unwrap_or_default(),
            error: stand.dead_error.clone().unwrap_or_default(),
        },
        RunState::Running => End::NotYet,
    })
}
