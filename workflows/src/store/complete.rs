//! Ending attempts: one transaction for many, each fenced by its token.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use sqlx::{Connection, PgConnection};

mod sort;

use crate::define::ids::{LaneId, RunId, WorkerId};
use crate::store::error::StoreError;
pub(crate) use crate::store::writes::CallersError;
use crate::{
    protocol::{
        completion::{Completion, Decision, Next},
        task::{Claim, NewTask},
    },
    store::{
        commit::commit,
        effects::Effects,
        fence::Fence,
        lanes::Lanes,
        lock::{self, Locked},
        writes::{self, Outcome},
    },
};
pub(super) use sort::Kept;
use sort::{behind_a_rejection, sort};

/// What a batch needs besides itself.
pub(crate) struct Context<'a> {
    pub lanes: &'a Lanes,
    pub worker_id: WorkerId,
    /// Of the leases of those who go on.
    pub lease: Duration,
    /// How long this transaction waits for a row that somebody else holds.
    pub patience: Duration,
    /// How long one of its statements may take.
    pub limit: Duration,
    /// How long one completion's own writes may take. `None`: as long as the transaction, which is
    /// that of one completion alone.
    pub writing: Option<Duration>,
    /// How long the session may sit idle in a transaction.
    pub idle: Duration,
    /// Whether the worker may go on with the run's next step in this queue without asking whose
    /// turn it is.
    pub may_go_on: &'a (dyn Fn(&str) -> bool + Sync),
    /// Decides about an attempt of which the caller's own write failed.
    pub refused: &'a (dyn Fn(&Completion, &CallersError) -> Completion + Sync),
}

/// A committed batch. Numbers are places in the batch.
#[derive(Default)]
pub(crate) struct Completed {
    /// Attempts that had lost their lease; nothing of them was written.
    pub stale: HashSet<usize>,
    /// Attempts of which nothing was written because somebody else holds their run, or may just have
    /// ended it.
    pub busy: HashSet<usize>,
    /// The same, because somebody holds a row that their write needs.
    pub blocked: HashSet<usize>,
    /// Attempts that ended otherwise, because their write failed, and need a transaction of their own.
    pub instead: HashMap<usize, Completion>,
    /// Attempts whose worker goes on, with the claim on the next step.
    pub going_on: HashMap<usize, Arc<Claim>>,
    /// How many tasks became ready in which lane. Nobody is told of them yet.
    pub ready: HashMap<LaneId, usize>,
}

/// What became of one completion.
pub(crate) enum Ending {
    Over,
    /// Its worker goes on with the claim on the next step.
    GoesOn(Arc<Claim>),
    /// It had lost its lease. Or an earlier try had come through and its answer was lost: its worker may
    /// then hold the next step without knowing.
    Stale,
}

impl Completed {
    pub fn ending(&mut self, place: usize) -> Ending {
        match self.going_on.remove(&place) {
            Some(next) => Ending::GoesOn(next),
            None if self.stale.contains(&place) => Ending::Stale,
            None => Ending::Over,
        }
    }

    /// Nothing was written of this one, and it is to be tried again.
    pub fn untouched(&self, place: usize) -> bool {
        self.busy.contains(&place)
            || self.blocked.contains(&place)
            || self.instead.contains_key(&place)
    }
}

/// A batch that was not committed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompleteError {
    #[error(transparent)]
    Database(#[from] StoreError),
    /// There was no connection for it.
    #[error("no connection: {0}")]
    Unreachable(StoreError),
    /// The caller's write or hook failed. Only of a batch of one, in a transaction of its own.
    #[error("a write failed: {0}")]
    Refused(CallersError),
    /// It met what passes.
    #[error("a write has to be repeated: {0}")]
    Passing(String),
    /// It needs a row that somebody else holds. Only of a hook.
    #[error("a hook waits for a row that somebody else holds")]
    Blocked,
    /// It took longer than the server allows.
    #[error("a write took too long")]
    Overslept,
    /// It took longer than it may while others wait.
    #[error("a write takes long")]
    Slow { place: usize },
    /// The caller's write or hook left the connection in a state in which it must not be used again.
    #[error("a write {message}")]
    Broken { place: usize, message: String },
    /// The join could not be given what its children hand on.
    #[error("the join's input is too large")]
    JoinTooLarge,
}

impl From<sqlx::Error> for CompleteError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

/// Commits a batch. Passes over runs that somebody else holds.
pub(crate) async fn complete(
    connection: &mut PgConnection,
    batch: &[Completion],
    context: &Context<'_>,
) -> Result<Completed, CompleteError> {
    let begin = format!(
        "BEGIN; SET LOCAL lock_timeout = '{}ms'; SET LOCAL statement_timeout = '{}ms'",
        context.patience.as_millis(),
        context.limit.as_millis()
    );
    let mut transaction = connection.begin_with(sqlx::AssertSqlSafe(begin)).await?;
    let tx = &mut *transaction;
    let runs: Vec<RunId> = batch.iter().map(|s| s.claim.run_id).collect();
    let alone = context.writing.is_none();
    let locked = if alone {
        lock::runs(tx, &runs).await?
    } else {
        lock::free_runs(tx, &runs).await?
    };
    let mut completed = Completed::default();
    let behind = behind_a_rejection(batch);
    let written = if writes::any(batch) {
        call_writes(tx, batch, &locked, &behind, context).await?
    } else {
        HashMap::new()
    };
    if alone && !written.is_empty() {
        writes::act_as_ourselves(tx).await?;
    }
    let kept = sort(batch, &locked, &behind, written, context, &mut completed)?;
    let kinds = write(tx, &kept, &locked, context, &mut completed, alone).await?;
    commit(transaction, &kinds).await?;
    Ok(completed)
}

/// Calls the writes. While others wait, the server gives each of their statements little time.
async fn call_writes(
    tx: &mut PgConnection,
    batch: &[Completion],
    locked: &Locked,
    behind: &HashSet<usize>,
    context: &Context<'_>,
) -> Result<HashMap<usize, Outcome>, CompleteError> {
    if let Some(limit) = context.writing {
        set_limit(tx, limit).await?;
    }
    let called = writes::call(tx, batch, locked, behind, context).await?;
    if context.writing.is_some() {
        set_limit(tx, context.limit).await?;
    }
    Ok(called)
}

async fn set_limit(tx: &mut PgConnection, limit: Duration) -> Result<(), StoreError> {
    let set = format!("SET LOCAL statement_timeout = '{}ms'", limit.as_millis());
    sqlx::raw_sql(sqlx::AssertSqlSafe(set)).execute(tx).await?;
    Ok(())
}

/// Raises the fence, and writes what it lets through.
async fn write(
    tx: &mut PgConnection,
    kept: &[(usize, Kept<'_>)],
    locked: &Locked,
    context: &Context<'_>,
    completed: &mut Completed,
    alone: bool,
) -> Result<Vec<crate::protocol::failpoints::Failpoint>, CompleteError> {
    let next: Vec<_> = kept
        .iter()
        .map(|(_, kept)| next_here(kept.as_ref(), locked, context))
        .collect();
    let mut fence = Fence::raise(tx, kept, &next, context).await?;
    let mut effects = Effects::default();
    let mut all = Vec::with_capacity(kept.len());
    for ((place, kept), next) in kept.iter().zip(next) {
        let completion = kept.as_ref();
        let task_id = completion.claim.task_id;
        if !fence.held.remove(&(task_id, completion.claim.token)) {
            completed.stale.insert(*place);
            continue;
        }
        let renewed = fence.renewed.remove(&task_id).zip(next);
        if let Some(((token, since), task)) = renewed {
            let claim = completion.claim.going_on(task, token, since);
            completed.going_on.insert(*place, Arc::new(claim));
        }
        let continued = renewed.is_some();
        effects.collect(completion, continued, context.worker_id, context.lanes)?;
        all.push(completion);
    }
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let (lanes, worker_id) = (context.lanes, context.worker_id);
    let written = effects.write(tx, lanes, locked, &all, worker_id).await?;
    if written.too_large.is_some() {
        return Err(CompleteError::JoinTooLarge);
    }
    if let ([one], true) = (all.as_slice(), alone) {
        match writes::hooks(tx, one, &written.dead_runs, context).await? {
            Outcome::Written => {}
            Outcome::Blocked => return Err(CompleteError::Blocked),
            Outcome::Overslept => return Err(CompleteError::Overslept),
            Outcome::Failed(error) => return Err(CompleteError::Refused(error)),
        }
    }
    completed.ready = written.ready;
    Ok(written.kinds)
}

/// The next step, if this worker may go on with it at once.
fn next_here<'a>(
    completion: &'a Completion,
    locked: &Locked,
    context: &Context<'_>,
) -> Option<&'a NewTask> {
    let Decision::Advance {
        next: Next::Task(task),
    } = &completion.decision
    else {
        return None;
    };
    let claim = &completion.claim;
    let here = task.sleep.is_zero()
        && task.lane.queue == claim.lane.queue
        && !locked.paused.contains(&claim.run_id)
        && !locked.paused_queues.contains(task.lane.queue)
        && (context.may_go_on)(task.lane.queue);
    here.then_some(task)
}
