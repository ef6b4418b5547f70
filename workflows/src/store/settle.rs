//! Ending attempts: one transaction for many, each fenced by its token.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{commit::commit, effects::Effects, lanes::Lanes, lock};
use crate::{
    claim::Claim,
    plan::{NewTask, Next, Settlement, Verdict},
    step::BoxError,
    workflow::Rejected,
};

/// What a batch needs besides itself.
pub(crate) struct Context<'a> {
    pub lanes: &'a Lanes,
    pub worker_id: i64,
    /// Of the leases of those who go on.
    pub lease: Duration,
    /// Whether the worker may go on with the run's next step in this queue without asking whose
    /// turn it is.
    pub may_go_on: &'a (dyn Fn(&str) -> bool + Sync),
    /// Decides about an attempt of which the caller's own write failed.
    pub refused: &'a (dyn Fn(&Settlement, BoxError) -> Settlement + Sync),
}

/// A committed batch.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Places in the batch of attempts that had lost their lease; nothing of them was written.
    pub stale: HashSet<usize>,
    /// Places in the batch of attempts whose worker goes on, with the claim on the next step.
    pub going_on: HashMap<usize, Arc<Claim>>,
    /// How many tasks became ready in which queue. Nobody is told of them yet.
    pub ready: HashMap<String, usize>,
}

/// Commits the batch.
pub(crate) async fn settle(
    connection: &mut PgConnection,
    batch: &[Settlement],
    context: &Context<'_>,
) -> Result<Settled, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let tx = &mut *transaction;
    let runs: Vec<Uuid> = batch.iter().map(|s| s.claim.run_id).collect();
    let paused = lock::runs(tx, &runs).await?;
    let next: Vec<_> = batch
        .iter()
        .map(|settlement| next_here(settlement, &paused, context))
        .collect();
    let mut fence = Fence::raise(tx, batch, &next, context).await?;

    let mut settled = Settled::default();
    let mut rejected = HashSet::new();
    let mut revoked = Vec::new();
    let mut fenced = Vec::with_capacity(batch.len());
    for (place, settlement) in batch.iter().enumerate() {
        let task_id = settlement.claim.task_id;
        // A rejection ends the run for all that comes after it.
        let late = rejected.contains(&settlement.claim.run_id);
        if !fence.held.remove(&(task_id, settlement.claim.token)) || late {
            settled.stale.insert(place);
            continue;
        }
        let kept = match callers_writes(tx, settlement).await? {
            Ok(()) => Instead::Same(settlement),
            Err(error) => Instead::Other((context.refused)(settlement, error)),
        };
        if let Verdict::Reject { .. } = kept.as_ref().verdict {
            rejected.insert(settlement.claim.run_id);
        }
        let mut continued = false;
        if let (Some((token, since)), Some(task)) = (fence.renewed.remove(&task_id), next[place]) {
            continued = matches!(kept, Instead::Same(_));
            if continued {
                let claim = settlement.claim.going_on(task, token, since);
                settled.going_on.insert(place, Arc::new(claim));
            } else {
                revoked.push(task_id);
            }
        }
        fenced.push((kept, continued));
    }
    lock::revoke_leases(tx, &revoked).await?;
    let mut kinds = Vec::new();
    if !fenced.is_empty() {
        let mut effects = Effects::default();
        for (kept, continued) in &fenced {
            effects.collect(kept.as_ref(), *continued, context.worker_id);
        }
        let all: Vec<_> = fenced.iter().map(|(kept, _)| kept.as_ref()).collect();
        (settled.ready, kinds) = effects
            .write(tx, context.lanes, &paused, &all, context.worker_id)
            .await?;
    }
    commit(transaction, &kinds).await?;
    Ok(settled)
}

/// The next step, if this worker may go on with it at once.
fn next_here<'a>(
    settlement: &'a Settlement,
    paused: &lock::Paused,
    context: &Context<'_>,
) -> Option<&'a NewTask> {
    let Verdict::Advance {
        next: Next::Task(task),
    } = &settlement.verdict
    else {
        return None;
    };
    let claim = &settlement.claim;
    let here = task.queue == claim.lane.queue
        && !paused.runs.contains(&claim.run_id)
        && !paused.queues.contains(task.queue)
        && (context.may_go_on)(task.queue);
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
        batch: &[Settlement],
        next: &[Option<&NewTask>],
        context: &Context<'_>,
    ) -> Result<Self, sqlx::Error> {
        let (mut ending, mut going_on) = ((vec![], vec![]), (vec![], vec![]));
        for (settlement, next) in batch.iter().zip(next) {
            let (tasks, tokens) = if next.is_some() {
                &mut going_on
            } else {
                &mut ending
            };
            tasks.push(settlement.claim.task_id);
            tokens.push(settlement.claim.token);
        }
        let worker = context.worker_id;
        let mut held = lock::end_leases(tx, &ending.0, &ending.1, worker).await?;
        let renewed =
            lock::renew_leases(tx, &going_on.0, &going_on.1, worker, context.lease).await?;
        let going_on = going_on.0.iter().copied().zip(going_on.1);
        held.extend(going_on.filter(|(task, _)| renewed.contains_key(task)));
        Ok(Self { held, renewed })
    }
}

/// A settlement, or what it became when its writes were refused.
enum Instead<'a> {
    Same(&'a Settlement),
    Other(Settlement),
}

impl Instead<'_> {
    fn as_ref(&self) -> &Settlement {
        match self {
            Self::Same(settlement) => settlement,
            Self::Other(settlement) => settlement,
        }
    }
}

/// Runs the caller's writes behind a savepoint: a failing one takes only its own settlement down.
/// The outer error is a lost connection (the savepoint cannot be ended), which takes all.
async fn callers_writes(
    tx: &mut PgConnection,
    settlement: &Settlement,
) -> Result<Result<(), BoxError>, sqlx::Error> {
    let rejection = match &settlement.verdict {
        Verdict::Reject {
            rejection,
            definition,
            step,
        } => definition
            .on_reject
            .as_ref()
            .map(|hook| (hook, step, rejection)),
        _ => None,
    };
    if settlement.writes.is_empty() && rejection.is_none() {
        return Ok(Ok(()));
    }
    let mut savepoint = tx.begin().await?;
    let mut result = Ok(());
    for write in &settlement.writes {
        result = write(&mut savepoint).await;
        if result.is_err() {
            break;
        }
    }
    if let (Ok(()), Some((hook, step, rejection))) = (&result, rejection) {
        let rejection = rejection.clone();
        let rejected = Rejected { step, rejection };
        result = hook(&mut savepoint, settlement.claim.subject, rejected).await;
    }
    match result {
        Ok(()) => savepoint.commit().await?,
        Err(_) => savepoint.rollback().await?,
    }
    Ok(result)
}
