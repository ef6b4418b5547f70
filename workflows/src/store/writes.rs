//! The caller's own writes and hooks inside a completing transaction.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use futures::{FutureExt, future::BoxFuture};
use sqlx::{Connection, PgConnection};

use crate::define::ids::{FencingToken, RunId, TaskId, WorkerId};
use crate::store::error::StoreError;
use crate::store::error::{Said, in_chain};
use crate::{
    define::{
        panics::{caught, drop_quietly, quietly},
        record::{BoxError, Write},
        workflow::{Outcome as End, Rejected, RunEnd},
    },
    protocol::completion::{Completion, Decision, Next},
    store::{
        complete::{CompleteError, Context},
        lock::Locked,
        weather,
    },
};

/// Writes of one batch that may wait for somebody's row. The others then take their turn without.
const BLOCKED: usize = 3;

/// What came of code of the caller.
pub(super) enum Outcome {
    Written,
    /// Somebody holds a row that it needs.
    Blocked,
    /// A statement took too long.
    Overslept,
    Failed(CallersError),
}

/// An error of the caller's own code. It is read and dropped where it came from, because both may
/// panic.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct CallersError {
    text: String,
    weather: Option<weather::Weather>,
    overslept: bool,
    /// The server said so, and not something on the way to it, or to some other server.
    by_the_server: bool,
}

impl CallersError {
    fn of(error: BoxError) -> Self {
        let text = caught(|| error.to_string()).unwrap_or_else(|panic| panic.to_string());
        let database = caught(|| in_chain(&*error));
        drop_quietly(error);
        let Said {
            weather,
            overslept,
            by_the_server,
        } = database.ok().flatten().unwrap_or_default();
        Self {
            text,
            weather,
            overslept,
            by_the_server,
        }
    }

    /// What it means where the connection is known to be well.
    fn outcome(self) -> Result<Outcome, CompleteError> {
        match self.weather {
            Some(_) if self.overslept => Ok(Outcome::Overslept),
            Some(weather::Weather::Contention) => Ok(Outcome::Blocked),
            Some(weather::Weather::Connection) if self.by_the_server => {
                Err(CompleteError::Passing(self.text))
            }
            _ => Ok(Outcome::Failed(self)),
        }
    }
}

pub(super) fn any(batch: &[Completion]) -> bool {
    batch.iter().any(|s| !s.writes.is_empty())
}

/// Calls the writes of those who hold their leases, each behind a savepoint: a failing one takes
/// only its own completion down. Keyed by place in the batch; those in `but` are left out.
pub(super) async fn call(
    tx: &mut PgConnection,
    batch: &[Completion],
    locked: &Locked,
    but: &HashSet<usize>,
    context: &Context<'_>,
) -> Result<HashMap<usize, Outcome>, CompleteError> {
    let held = held(tx, batch, context.worker_id).await?;
    let mut outcomes = HashMap::new();
    let mut blocked = 0;
    for (place, completion) in batch.iter().enumerate() {
        let claim = &completion.claim;
        let ours = held.contains(&(claim.task_id, claim.token)) && !but.contains(&place);
        if completion.writes.is_empty() || !ours || !locked.runs.contains(&claim.run_id) {
            continue;
        }
        let writes = completion.writes.clone();
        let outcome = if blocked < BLOCKED {
            guarded(tx, place, context, |tx| all(tx, writes).boxed()).await?
        } else {
            Outcome::Blocked
        };
        if let Outcome::Blocked | Outcome::Overslept = outcome {
            blocked += 1;
            if blocked <= BLOCKED {
                tracing::warn!(
                    run.id = %claim.run_id, task.step = claim.lane.step,
                    "a write waits for a row that somebody else holds, or takes long; it is tried again"
                );
            }
        }
        outcomes.insert(place, outcome);
    }
    Ok(outcomes)
}

async fn all(tx: &mut PgConnection, writes: Vec<Arc<dyn Write>>) -> Result<(), BoxError> {
    for write in &writes {
        write.write(tx).await?;
    }
    Ok(())
}

/// Task and token of those that hold their lease. It cannot be ended by others while their run is
/// locked.
async fn held(
    tx: &mut PgConnection,
    batch: &[Completion],
    worker_id: WorkerId,
) -> Result<HashSet<(TaskId, FencingToken)>, StoreError> {
    let tasks: Vec<TaskId> = batch.iter().map(|s| s.claim.task_id).collect();
    let rows = sqlx::query!(
        r#"SELECT l.task_id AS "task_id: TaskId", l.token AS "token: FencingToken"
           FROM workflows.leases l JOIN workflows.tasks t USING (task_id)
           WHERE l.task_id = ANY($1) AND l.worker_id = $2"#,
        &tasks as &[TaskId],
        worker_id.0,
    );
    let rows = rows.fetch_all(tx).await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.task_id, row.token))
        .collect())
}

/// Calls code of the caller behind a savepoint. Whatever it does with its connection, its errors and
/// its time, the others of the transaction bear it, or the transaction is given up.
async fn guarded<C>(
    tx: &mut PgConnection,
    place: usize,
    context: &Context<'_>,
    code: C,
) -> Result<Outcome, CompleteError>
where
    C: for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<(), BoxError>>,
{
    let mut savepoint = tx.begin().await?;
    // The call itself may panic, before there is a future.
    let calling = quietly(async { code(&mut savepoint).await });
    let began = Instant::now();
    let called = match context.writing {
        Some(limit) => tokio::time::timeout(limit, calling)
            .await
            .map_err(|_| CompleteError::Slow { place })?,
        None => calling.await,
    };
    let broken = |message: &str| CompleteError::Broken {
        place,
        message: message.to_owned(),
    };
    // The server ends a session that sits idle in its transaction, which is seen as a lost connection.
    let overslept = || began.elapsed() >= context.idle;
    let error = match called {
        Err(panic) => return Err(broken(&panic.to_string())),
        Ok(Err(error)) => CallersError::of(error),
        Ok(Ok(())) => {
            let Err(error) = savepoint.commit().await else {
                return Ok(Outcome::Written);
            };
            return Err(match weather::code(&error).as_deref() {
                Some("25P02") => broken("went on after a statement that had failed"),
                // No transaction any more, or no such savepoint.
                Some("25P01" | "3B001") => broken("ended the transaction that it is a part of"),
                _ if overslept() => CompleteError::Overslept,
                _ => error.into(),
            });
        }
    };
    match savepoint.rollback().await {
        Ok(()) => error.outcome(),
        Err(_lost) if error.overslept || overslept() => Err(CompleteError::Overslept),
        Err(lost) => Err(lost.into()),
    }
}

/// What the caller's code may have set for the rest of its transaction, and the engine's own
/// statements cannot bear.
pub(super) async fn act_as_ourselves(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::raw_sql("RESET SESSION AUTHORIZATION; RESET ROLE")
        .execute(tx)
        .await?;
    Ok(())
}

/// Calls the hooks of the route for the end of a run.
pub(super) async fn hooks(
    tx: &mut PgConnection,
    completion: &Completion,
    dead_runs: &HashSet<RunId>,
    context: &Context<'_>,
) -> Result<Outcome, CompleteError> {
    let claim = &completion.claim;
    let Some(definition) = &completion.definition else {
        return Ok(Outcome::Written);
    };
    let outcome = match &completion.decision {
        Decision::Advance {
            next: Next::End { .. },
        } => End::Succeeded,
        Decision::Reject { rejection, .. } => End::Rejected(Rejected {
            step: claim.lane.step,
            rejection: rejection.clone(),
        }),
        Decision::DeadLetter { error, .. } if dead_runs.contains(&claim.run_id) => End::Dead {
            step: claim.lane.step.to_owned(),
            error: crate::protocol::failure::message_of(error),
        },
        _ => return Ok(Outcome::Written),
    };
    let end = RunEnd {
        run_id: claim.run_id,
        subject: claim.subject,
        outcome,
    };
    let definition = Arc::clone(definition);
    guarded(tx, 0, context, |tx| {
        async move { definition.ended(tx, end).await }.boxed()
    })
    .await
}
