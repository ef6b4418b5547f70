//! The caller's own writes and hooks inside a settling transaction.

use std::{
    collections::{HashMap, HashSet},
    panic::AssertUnwindSafe,
};

use futures::FutureExt;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{lock::Locked, settle::SettleError, weather};
use crate::{
    panics,
    plan::{Next, Settlement, Verdict},
    step::{BoxError, Write},
    workflow::{Outcome as End, Rejected, RunEnd},
};

/// Writes of one batch that may wait for somebody's row. The others then take their turn without.
const BLOCKED: usize = 3;

/// What came of a settlement's writes.
pub(super) enum Outcome {
    Written,
    /// Somebody holds a row that it needs.
    Blocked,
    Failed(BoxError),
}

pub(super) fn any(batch: &[Settlement]) -> bool {
    batch.iter().any(|s| !s.writes.is_empty())
}

/// Calls the writes of those who hold their leases, each behind a savepoint: a failing one takes
/// only its own settlement down. Keyed by place in the batch.
pub(super) async fn call(
    tx: &mut PgConnection,
    batch: &[Settlement],
    locked: &Locked,
    worker_id: i64,
) -> Result<HashMap<usize, Outcome>, SettleError> {
    let held = held(tx, batch, worker_id).await?;
    let mut outcomes = HashMap::new();
    let mut blocked = 0;
    for (place, settlement) in batch.iter().enumerate() {
        let claim = &settlement.claim;
        let ours = held.contains(&(claim.task_id, claim.token));
        if settlement.writes.is_empty() || !ours || !locked.runs.contains(&claim.run_id) {
            continue;
        }
        let outcome = if blocked < BLOCKED {
            savepoint(tx, &settlement.writes, place).await?
        } else {
            Outcome::Blocked
        };
        if let Outcome::Blocked = outcome {
            blocked += 1;
            if blocked <= BLOCKED {
                tracing::warn!(
                    run.id = %claim.run_id, task.step = claim.lane.step,
                    "a write waits for a row that somebody else holds; it is tried again"
                );
            }
        }
        outcomes.insert(place, outcome);
    }
    Ok(outcomes)
}

/// Task and token of those that hold their lease. It cannot be ended by others while their run is
/// locked.
async fn held(
    tx: &mut PgConnection,
    batch: &[Settlement],
    worker_id: i64,
) -> Result<HashSet<(Uuid, i64)>, sqlx::Error> {
    let tasks: Vec<Uuid> = batch.iter().map(|s| s.claim.task_id).collect();
    let rows = sqlx::query!(
        "SELECT l.task_id, l.token FROM workflows.leases l JOIN workflows.tasks t USING (task_id)
         WHERE l.task_id = ANY($1) AND l.worker_id = $2",
        &tasks,
        worker_id,
    );
    let rows = rows.fetch_all(tx).await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.task_id, row.token))
        .collect())
}

async fn savepoint(
    tx: &mut PgConnection,
    writes: &[Write],
    place: usize,
) -> Result<Outcome, SettleError> {
    let mut savepoint = tx.begin().await?;
    let mut result = Ok(());
    for write in writes {
        // The call itself may panic, before there is a future.
        let writing = AssertUnwindSafe(async { write(&mut savepoint).await });
        match writing.catch_unwind().await {
            Ok(written) => result = written,
            Err(panic) => {
                let message = format!("panicked: {}", panics::message(&*panic));
                return Err(SettleError::Broken { place, message });
            }
        }
        if result.is_err() {
            break;
        }
    }
    let error = match result {
        Ok(()) => match savepoint.commit().await {
            Ok(()) => return Ok(Outcome::Written),
            // 25P02, in_failed_sql_transaction: the write went on after a failed statement.
            Err(error) if weather::code(&error).as_deref() == Some("25P02") => {
                let message = "went on after a statement that had failed".to_owned();
                return Err(SettleError::Broken { place, message });
            }
            Err(error) => return Err(error.into()),
        },
        Err(error) => error,
    };
    savepoint.rollback().await?;
    Ok(match weather::in_chain(&*error) {
        Some(weather::Weather::Contention) => Outcome::Blocked,
        Some(weather::Weather::Connection) => return Err(SettleError::Database(lost(error))),
        None => Outcome::Failed(error),
    })
}

fn lost(error: BoxError) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::other(error))
}

/// Calls the hooks of the route for the end of a run.
pub(super) async fn hooks(
    tx: &mut PgConnection,
    settlement: &Settlement,
    dead_runs: &HashSet<Uuid>,
) -> Result<(), SettleError> {
    let claim = &settlement.claim;
    let Some(definition) = &settlement.definition else {
        return Ok(());
    };
    let outcome = match &settlement.verdict {
        Verdict::Advance {
            next: Next::End { .. },
        } => End::Succeeded,
        Verdict::Reject { rejection, .. } => End::Rejected(Rejected {
            step: claim.lane.step,
            rejection: rejection.clone(),
        }),
        Verdict::Bury { error, .. } if dead_runs.contains(&claim.run_id) => End::Dead {
            step: claim.lane.step.to_owned(),
            error: crate::failure::message_of(error),
        },
        _ => return Ok(()),
    };
    let end = RunEnd {
        run_id: claim.run_id,
        subject: claim.subject,
        outcome,
    };
    let calling = AssertUnwindSafe(definition.ended(tx, end)).catch_unwind();
    match calling.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(SettleError::Refused(error)),
        Err(panic) => Err(SettleError::Broken {
            place: 0,
            message: format!("of the hook panicked: {}", panics::message(&*panic)),
        }),
    }
}
