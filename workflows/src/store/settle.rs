//! Ending attempts: one transaction for many, each fenced by its token.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{
    commit::commit,
    effects::Effects,
    lanes::Lanes,
    lock::{self, Locked, Renewals},
    writes::{self, Outcome},
};
use crate::{
    claim::Claim,
    plan::{NewTask, Next, Settlement, Verdict},
    step::BoxError,
};

/// What a batch needs besides itself.
pub(crate) struct Context<'a> {
    pub lanes: &'a Lanes,
    pub worker_id: i64,
    /// Of the leases of those who go on.
    pub lease: Duration,
    /// How long this transaction waits for a row that somebody else holds.
    pub patience: Duration,
    /// How long one of its statements may take.
    pub limit: Duration,
    /// Whether the worker may go on with the run's next step in this queue without asking whose
    /// turn it is.
    pub may_go_on: &'a (dyn Fn(&str) -> bool + Sync),
    /// Decides about an attempt of which the caller's own write failed.
    pub refused: &'a (dyn Fn(&Settlement, BoxError) -> Settlement + Sync),
}

/// A committed batch. Numbers are places in the batch.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Attempts that had lost their lease; nothing of them was written.
    pub stale: HashSet<usize>,
    /// Attempts of which nothing was written because somebody else holds their run.
    pub busy: HashSet<usize>,
    /// The same, because somebody holds a row that their write needs.
    pub blocked: HashSet<usize>,
    /// Attempts whose worker goes on, with the claim on the next step.
    pub going_on: HashMap<usize, Arc<Claim>>,
    /// How many tasks became ready in which lane. Nobody is told of them yet.
    pub ready: HashMap<i32, usize>,
}

impl Settled {
    /// Nothing was written of this one, and it is to be tried again.
    pub fn untouched(&self, place: usize) -> bool {
        self.busy.contains(&place) || self.blocked.contains(&place)
    }
}

/// A batch that was not committed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettleError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The caller's write or hook failed. Only of a batch of one, in a transaction of its own.
    #[error("a write failed: {0}")]
    Refused(BoxError),
    /// The caller's write or hook left the connection in a state in which it must not be used again.
    #[error("a write {message}")]
    Broken { place: usize, message: String },
    /// The join could not be given what its children hand on.
    #[error("the join's input is too large")]
    JoinTooLarge,
}

/// Commits a batch. Passes over runs that somebody else holds.
pub(crate) async fn settle(
    connection: &mut PgConnection,
    batch: &[Settlement],
    context: &Context<'_>,
) -> Result<Settled, SettleError> {
    let begin = format!(
        "BEGIN; SET LOCAL lock_timeout = '{}ms'; SET LOCAL statement_timeout = '{}ms'",
        context.patience.as_millis(),
        context.limit.as_millis()
    );
    let mut transaction = connection.begin_with(sqlx::AssertSqlSafe(begin)).await?;
    let tx = &mut *transaction;
    let runs: Vec<Uuid> = batch.iter().map(|s| s.claim.run_id).collect();
    let alone = matches!(batch, [one] if one.is_alone());
    let locked = if alone {
        lock::runs(tx, &runs).await?
    } else {
        lock::free_runs(tx, &runs).await?
    };
    let mut settled = Settled::default();
    let mut kept: Vec<(usize, Kept<'_>)> = Vec::with_capacity(batch.len());
    let mut rejected = HashSet::new();
    let mut written = if writes::any(batch) {
        writes::call(tx, batch, &locked, context.worker_id).await?
    } else {
        HashMap::new()
    };
    for (place, settlement) in batch.iter().enumerate() {
        let run_id = settlement.claim.run_id;
        if !locked.runs.contains(&run_id) && !alone {
            settled.busy.insert(place);
            continue;
        }
        let keep = match written.remove(&place) {
            None | Some(Outcome::Written) => Kept::Same(settlement),
            Some(Outcome::Blocked) => {
                settled.blocked.insert(place);
                continue;
            }
            Some(Outcome::Failed(error)) if alone => return Err(SettleError::Refused(error)),
            Some(Outcome::Failed(error)) => Kept::Other((context.refused)(settlement, error)),
        };
        // A rejection ends the run for all that comes after it.
        if rejected.contains(&run_id) {
            settled.stale.insert(place);
            continue;
        }
        if let Verdict::Reject { .. } = keep.as_ref().verdict {
            rejected.insert(run_id);
        }
        kept.push((place, keep));
    }
    let kinds = write(tx, &kept, &locked, context, &mut settled, alone).await?;
    commit(transaction, &kinds).await?;
    Ok(settled)
}

/// Raises the fence, and writes what it lets through.
async fn write(
    tx: &mut PgConnection,
    kept: &[(usize, Kept<'_>)],
    locked: &Locked,
    context: &Context<'_>,
    settled: &mut Settled,
    alone: bool,
) -> Result<Vec<crate::faults::Transaction>, SettleError> {
    let next: Vec<_> = kept
        .iter()
        .map(|(_, kept)| next_here(kept.as_ref(), locked, context))
        .collect();
    let mut fence = Fence::raise(tx, kept, &next, context).await?;
    let mut effects = Effects::default();
    let mut all = Vec::with_capacity(kept.len());
    for ((place, kept), next) in kept.iter().zip(next) {
        let settlement = kept.as_ref();
        let task_id = settlement.claim.task_id;
        if !fence.held.remove(&(task_id, settlement.claim.token)) {
            settled.stale.insert(*place);
            continue;
        }
        let renewed = fence.renewed.remove(&task_id).zip(next);
        if let Some(((token, since), task)) = renewed {
            let claim = settlement.claim.going_on(task, token, since);
            settled.going_on.insert(*place, Arc::new(claim));
        }
        let continued = renewed.is_some();
        effects.collect(settlement, continued, context.worker_id, context.lanes)?;
        all.push(settlement);
    }
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let (lanes, worker_id) = (context.lanes, context.worker_id);
    let written = effects.write(tx, lanes, locked, &all, worker_id).await?;
    if written.too_large.is_some() {
        return Err(SettleError::JoinTooLarge);
    }
    if let ([one], true) = (all.as_slice(), alone) {
        writes::hooks(tx, one, &written.dead_runs).await?;
    }
    settled.ready = written.ready;
    Ok(written.kinds)
}

/// The next step, if this worker may go on with it at once.
fn next_here<'a>(
    settlement: &'a Settlement,
    locked: &Locked,
    context: &Context<'_>,
) -> Option<&'a NewTask> {
    let Verdict::Advance {
        next: Next::Task(task),
    } = &settlement.verdict
    else {
        return None;
    };
    let claim = &settlement.claim;
    let here = task.lane.queue == claim.lane.queue
        && !locked.paused.contains(&claim.run_id)
        && !locked.paused_queues.contains(task.lane.queue)
        && (context.may_go_on)(task.lane.queue);
    here.then_some(task)
}

/// Which attempts hold their leases. Those leases are ended, or renewed for the next step.
struct Fence {
    /// Task and token.
    held: HashSet<(Uuid, i64)>,
    renewed: HashMap<Uuid, (i64, chrono::DateTime<chrono::Utc>)>,
}

impl Fence {
    async fn raise(
        tx: &mut PgConnection,
        batch: &[(usize, Kept<'_>)],
        next: &[Option<&NewTask>],
        context: &Context<'_>,
    ) -> Result<Self, sqlx::Error> {
        let (mut ending, mut going_on) = ((vec![], vec![]), Renewals::default());
        for ((_, kept), next) in batch.iter().zip(next) {
            let claim = &kept.as_ref().claim;
            if let Some(task) = next {
                going_on.tasks.push(claim.task_id);
                going_on.tokens.push(claim.token);
                going_on.crash_limits.push(task.crash_limit);
            } else {
                ending.0.push(claim.task_id);
                ending.1.push(claim.token);
            }
        }
        let worker = context.worker_id;
        let mut held = lock::end_leases(tx, &ending.0, &ending.1, worker).await?;
        let renewed = lock::renew_leases(tx, &going_on, worker, context.lease).await?;
        let going_on = going_on.tasks.iter().copied().zip(going_on.tokens);
        held.extend(going_on.filter(|(task, _)| renewed.contains_key(task)));
        Ok(Self { held, renewed })
    }
}

/// A settlement, or what it became when its writes were refused.
enum Kept<'a> {
    Same(&'a Settlement),
    Other(Settlement),
}

impl Kept<'_> {
    fn as_ref(&self) -> &Settlement {
        match self {
            Self::Same(settlement) => settlement,
            Self::Other(settlement) => settlement,
        }
    }
}
