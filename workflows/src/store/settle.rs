//! Ending attempts: one transaction for many, each fenced by its token.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection, PgPool};

use super::{commit::commit, effects::Effects, lanes::Lanes, lock, notify};
use crate::{
    plan::{Settlement, Verdict},
    step::BoxError,
    workflow::Rejected,
};

/// What a batch needs besides itself.
pub(crate) struct Context<'a> {
    pub lanes: &'a Lanes,
    pub worker_id: i64,
    /// Decides about an attempt of which the caller's own write failed.
    pub refused: &'a (dyn Fn(&Settlement, BoxError) -> Settlement + Sync),
}

/// A committed batch.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Places in the batch of attempts that had lost their lease; nothing of them was written.
    pub stale: Vec<usize>,
    /// Queues in which work became ready.
    pub queues: Vec<String>,
}

/// Commits the batch.
pub(crate) async fn settle(
    pool: &PgPool,
    batch: &[Settlement],
    context: &Context<'_>,
) -> Result<Settled, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let tx = &mut *transaction;
    let paused = lock::runs(tx, &column(batch, |s| s.claim.run_id)).await?;
    let ids = column(batch, |s| s.claim.task_id);
    let tokens = column(batch, |s| s.claim.token);
    let mut held = lock::end_leases(tx, &ids, &tokens, context.worker_id).await?;

    let mut stale = Vec::new();
    let mut rejected = HashSet::new();
    let mut fenced: Vec<(Instead<'_>, DateTime<Utc>)> = Vec::with_capacity(batch.len());
    for (place, settlement) in batch.iter().enumerate() {
        // A rejection ends the run for all that comes after it.
        let late = rejected.contains(&settlement.claim.run_id);
        let Some(since) = held.remove(&settlement.claim.task_id).filter(|_| !late) else {
            stale.push(place);
            continue;
        };
        let kept = match callers_writes(tx, settlement).await? {
            Ok(()) => Instead::Same(settlement),
            Err(error) => Instead::Other((context.refused)(settlement, error)),
        };
        if let Verdict::Reject { .. } = kept.as_ref().verdict {
            rejected.insert(settlement.claim.run_id);
        }
        fenced.push((kept, since));
    }
    let fenced: Vec<_> = fenced
        .iter()
        .map(|(kept, since)| (kept.as_ref(), *since))
        .collect();
    let mut queues = Vec::new();
    let mut kinds = Vec::new();
    if !fenced.is_empty() {
        let mut effects = Effects::default();
        for (settlement, _) in &fenced {
            effects.collect(settlement, context.worker_id);
        }
        (queues, kinds) = effects
            .write(tx, context.lanes, &paused, &fenced, context.worker_id)
            .await?;
        notify(tx, &queues).await?;
    }
    commit(transaction, &kinds).await?;
    Ok(Settled { stale, queues })
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

fn column<T>(batch: &[Settlement], of: impl Fn(&Settlement) -> T) -> Vec<T> {
    batch.iter().map(of).collect()
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
