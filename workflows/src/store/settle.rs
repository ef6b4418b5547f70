//! Ending attempts: one transaction for many, each fenced by its token.

use std::collections::HashSet;

use futures::FutureExt;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, PgPool};
use uuid::Uuid;

use super::{effects::Effects, fan_out, lock, notify, tasks};
use crate::{
    plan::{Settlement, Verdict},
    step::BoxError,
    workflow::Rejected,
};

/// What became of one settlement.
#[derive(Debug)]
pub(crate) enum Settled {
    /// Committed.
    Committed,
    /// The attempt had lost its lease; nothing of it was written.
    Stale,
    /// A write of the caller failed; nothing of this settlement was written.
    Refused(BoxError),
}

/// Commits the batch. The answers stand in the batch's order. Returns the queues in which work
/// became ready.
pub(crate) async fn settle(
    pool: &PgPool,
    batch: &[Settlement],
    worker_id: i64,
) -> Result<(Vec<Settled>, Vec<String>), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let tx = &mut *transaction;
    lock::runs(tx, &column(batch, |s| s.claim.run_id)).await?;
    let ids = column(batch, |s| s.claim.task_id);
    let held = lock::leases(tx, &ids, &column(batch, |s| s.claim.token), Some(worker_id)).await?;
    let held: HashSet<Uuid> = held.into_iter().collect();

    let mut answers = Vec::with_capacity(batch.len());
    let mut fenced = Vec::with_capacity(batch.len());
    for settlement in batch {
        if !held.contains(&settlement.claim.task_id) {
            answers.push(Settled::Stale);
            continue;
        }
        match callers_writes(tx, settlement).await? {
            Ok(()) => {
                fenced.push(settlement);
                answers.push(Settled::Committed);
            }
            Err(refused) => answers.push(Settled::Refused(refused)),
        }
    }
    let mut queues = write(tx, &fenced, worker_id).await?;
    queues.sort_unstable();
    queues.dedup();
    notify(tx, &queues).await?;
    transaction.commit().await?;
    Ok((answers, queues))
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
    let hook = match &settlement.verdict {
        Verdict::Reject { definition, .. } => definition.on_reject.as_ref(),
        _ => None,
    };
    if settlement.writes.is_empty() && hook.is_none() {
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
    if let (
        Some(hook),
        Verdict::Reject {
            rejection, step, ..
        },
    ) = (hook, &settlement.verdict)
    {
        let rejected = Rejected {
            step,
            rejection: rejection.clone(),
        };
        result = hook(&mut savepoint, settlement.claim.subject, rejected)
            .boxed()
            .await;
    }
    match result {
        Ok(()) => savepoint.commit().await?,
        Err(_) => savepoint.rollback().await?,
    }
    Ok(result)
}

/// Writes what follows from settlements whose leases are locked by this transaction.
async fn write(
    tx: &mut PgConnection,
    batch: &[&Settlement],
    worker_id: i64,
) -> Result<Vec<String>, sqlx::Error> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let mut effects = Effects::default();
    for settlement in batch {
        effects.collect(settlement, worker_id);
    }
    record_attempts(tx, batch, worker_id).await?;
    tasks::delete(tx, &effects.finished).await?;
    effects.defer(tx).await?;
    tasks::bury(tx, &effects.dead).await?;
    for (run_id, result) in &effects.rejected {
        abandon_run(tx, *run_id, result).await?;
    }
    for new in &effects.fan_outs {
        fan_out::insert(tx, new).await?;
    }
    let joins = effects.completed_joins(tx).await?;
    effects
        .new
        .extend(joins.iter().map(|(run_id, task)| (*run_id, task)));
    tasks::insert_ready(tx, &effects.new).await?;
    effects.end_runs(tx).await?;
    let mut queues = effects.hand_back(tx).await?;
    queues.extend(effects.new.iter().map(|(_, task)| task.queue.to_owned()));
    Ok(queues)
}

/// Moves the leases into the history, each with its outcome.
async fn record_attempts(
    tx: &mut PgConnection,
    batch: &[&Settlement],
    worker_id: i64,
) -> Result<(), sqlx::Error> {
    let mut ids = Vec::with_capacity(batch.len());
    let mut outcomes = Vec::with_capacity(batch.len());
    let (mut outputs, mut errors) = (Vec::new(), Vec::new());
    for settlement in batch {
        let (outcome, output, error) = match &settlement.verdict {
            Verdict::Advance { output, .. } | Verdict::Joined { output, .. } => {
                ("done", Some(output.clone()), None)
            }
            Verdict::Defer { error, .. } | Verdict::Bury { error, .. } => {
                ("error", None, Some(error.clone()))
            }
            Verdict::Reject { rejection, .. } => ("rejected", None, Some(json!(rejection))),
            Verdict::HandBack => ("interrupted", None, None),
        };
        ids.push(settlement.claim.task_id);
        outcomes.push(outcome.to_owned());
        outputs.push(output);
        errors.push(error);
    }
    sqlx::query!(
        "WITH ended AS (
            DELETE FROM workflows.leases l
            USING unnest($1::uuid[], $2::text[], $3::jsonb[], $4::jsonb[])
                  AS e (task_id, outcome, output, error)
            WHERE l.task_id = e.task_id
            RETURNING l.task_id, l.token, l.started_at, e.outcome, e.output, e.error)
         INSERT INTO workflows.attempts
            (token, run_id, task_id, step, fan_out_id, child, outcome, output, error, worker_id, started_at)
         SELECT e.token, t.run_id, e.task_id, t.step, t.fan_out_id, t.child,
                e.outcome, e.output, e.error, $5, e.started_at
         FROM ended e JOIN workflows.tasks t USING (task_id)",
        &ids,
        &outcomes,
        &outputs as &[Option<Value>],
        &errors as &[Option<Value>],
        worker_id,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Ends a run by the input's fault and takes away all that was left of it to do. Siblings that
/// are running lose their leases, so they can write nothing any more.
async fn abandon_run(
    tx: &mut PgConnection,
    run_id: Uuid,
    result: &Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH left_over AS (DELETE FROM workflows.tasks WHERE run_id = $1 RETURNING *),
         no_longer_ready AS (
            DELETE FROM workflows.ready r USING left_over t
            WHERE (r.queue, r.workflow, r.version, r.priority, r.task_id)
                = (t.queue, t.workflow, t.version, t.priority, t.task_id)),
         no_longer_deferred AS (
            DELETE FROM workflows.deferred d USING left_over t WHERE d.task_id = t.task_id),
         no_longer_leased AS (
            DELETE FROM workflows.leases l USING left_over t WHERE l.task_id = t.task_id),
         no_longer_fanning_out AS (
            DELETE FROM workflows.fan_outs WHERE run_id = $1)
         UPDATE workflows.runs SET state = 'rejected', result = $2, ended_at = now()
         WHERE run_id = $1",
        run_id,
        result,
    )
    .execute(tx)
    .await?;
    Ok(())
}
