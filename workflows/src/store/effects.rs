//! What a batch of settlements writes, sorted by table, so that each is one statement.

use std::sync::Arc;

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{fan_out, tasks};
use crate::plan::{Claim, NewTask, Next, Settlement, Verdict, fingerprint};

/// The batch, sorted into what has to be written where.
#[derive(Default)]
pub(super) struct Effects<'a> {
    pub(super) finished: Vec<Uuid>,
    pub(super) new: Vec<(Uuid, &'a NewTask)>,
    pub(super) fan_outs: Vec<fan_out::NewFanOut<'a>>,
    /// A finished child's fan-out, with the run and the join that may follow.
    pub(super) children: Vec<(Uuid, Uuid, &'a NewTask)>,
    pub(super) deferred: Vec<(Uuid, f64)>,
    pub(super) handed_back: Vec<Uuid>,
    pub(super) dead: Vec<tasks::Dead>,
    pub(super) rejected: Vec<(Uuid, Value)>,
    pub(super) ended: Vec<(Uuid, &'a Value)>,
}

impl<'a> Effects<'a> {
    /// Adds one settlement.
    pub(super) fn collect(&mut self, settlement: &'a Settlement, worker_id: i64) {
        let claim: &Arc<Claim> = &settlement.claim;
        match &settlement.verdict {
            Verdict::Advance { output, next } => {
                self.finished.push(claim.task_id);
                self.advance(claim.run_id, output, next);
            }
            Verdict::Joined { join, .. } => {
                self.finished.push(claim.task_id);
                if let Some(fan_out_id) = claim.fan_out_id {
                    self.children.push((fan_out_id, claim.run_id, join));
                }
            }
            Verdict::Defer { delay, .. } => {
                self.deferred.push((claim.task_id, delay.as_secs_f64()));
            }
            Verdict::HandBack => self.handed_back.push(claim.task_id),
            Verdict::Bury { cause, error } => self.dead.push(tasks::Dead {
                task_id: claim.task_id,
                cause: cause.as_str(),
                error: error.clone(),
                fingerprint: fingerprint(&claim.step, error),
                worker_id,
            }),
            Verdict::Reject { rejection, .. } => {
                self.rejected.push((claim.run_id, json!(rejection)));
            }
        }
    }

    fn advance(&mut self, run_id: Uuid, output: &'a Value, next: &'a Next) {
        match next {
            Next::End => self.ended.push((run_id, output)),
            Next::Task(task) => self.new.push((run_id, task)),
            Next::FanOut {
                fan_out_id,
                step,
                carry,
                children,
            } => {
                let (fan_out_id, total) = (*fan_out_id, children.len());
                self.fan_outs.push(fan_out::NewFanOut {
                    fan_out_id,
                    run_id,
                    step,
                    total,
                    carry,
                });
                self.new
                    .extend(children.iter().map(|child| (run_id, child)));
            }
        }
    }

    /// The joins whose last child is in this batch, each exactly once.
    pub(super) async fn completed_joins(
        &self,
        tx: &mut PgConnection,
    ) -> Result<Vec<(Uuid, NewTask)>, sqlx::Error> {
        let ids: Vec<Uuid> = self.children.iter().map(|(id, ..)| *id).collect();
        let mut joins = Vec::new();
        for (completed, input) in fan_out::count_down(tx, &ids).await? {
            if let Some((_, run, join)) = self.children.iter().find(|(id, ..)| *id == completed) {
                joins.push((
                    *run,
                    NewTask {
                        input,
                        ..(*join).clone()
                    },
                ));
            }
        }
        Ok(joins)
    }

    pub(super) async fn defer(&self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.deferred.is_empty() {
            return Ok(());
        }
        let (ids, delays): (Vec<Uuid>, Vec<f64>) = self.deferred.iter().copied().unzip();
        sqlx::query!(
            "WITH failed AS (
                UPDATE workflows.tasks t SET errors = t.errors + 1
                FROM unnest($1::uuid[], $2::float8[]) AS d (task_id, delay)
                WHERE t.task_id = d.task_id
                RETURNING t.task_id, d.delay)
             INSERT INTO workflows.deferred (due_at, task_id)
             SELECT clock_timestamp() + make_interval(secs => delay), task_id FROM failed",
            &ids,
            &delays,
        )
        .execute(tx)
        .await?;
        Ok(())
    }

    pub(super) async fn hand_back(
        &self,
        tx: &mut PgConnection,
    ) -> Result<Vec<String>, sqlx::Error> {
        if self.handed_back.is_empty() {
            return Ok(Vec::new());
        }
        sqlx::query!(
            "UPDATE workflows.tasks SET interruptions = interruptions + 1 WHERE task_id = ANY($1)",
            &self.handed_back,
        )
        .execute(&mut *tx)
        .await?;
        tasks::make_ready(tx, &self.handed_back).await
    }

    pub(super) async fn end_runs(&self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.ended.is_empty() {
            return Ok(());
        }
        let (ids, results): (Vec<Uuid>, Vec<Value>) = self
            .ended
            .iter()
            .map(|(run, result)| (*run, (*result).clone()))
            .unzip();
        sqlx::query!(
            "UPDATE workflows.runs r SET state = 'succeeded', result = e.result, ended_at = now()
             FROM unnest($1::uuid[], $2::jsonb[]) AS e (run_id, result)
             WHERE r.run_id = e.run_id",
            &ids,
            &results,
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}
