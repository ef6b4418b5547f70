//! What a batch of settlements writes, sorted by table, so that each is one statement.

use std::collections::HashMap;

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    fan_out::{self, Child, NewFanOut},
    history,
    lanes::Lanes,
    letters::{self, Dead},
    lock::Paused,
    tasks::{self, Row},
};
use crate::{
    claim::Claim,
    faults::Transaction,
    plan::{NewTask, Next, Settlement, Verdict, fingerprint},
};

/// The batch, sorted into what has to be written where.
#[derive(Default)]
pub(super) struct Effects<'a> {
    /// Tasks that move on to their next step.
    moved: Vec<(&'a Claim, &'a NewTask)>,
    /// The same, and their worker goes on with them.
    continued: Vec<(&'a Claim, &'a NewTask)>,
    /// Tasks that are over.
    finished: Vec<Uuid>,
    /// Children of the fan-outs.
    new: Vec<(&'a Claim, Uuid, i32, &'a NewTask)>,
    fan_outs: Vec<(&'a Claim, &'a Next)>,
    /// Children that are done.
    children: Vec<Child>,
    deferred: Vec<(Uuid, f64)>,
    handed_back: Vec<Uuid>,
    dead: Vec<Dead>,
    rejected: Vec<(Uuid, Value)>,
    ended: Vec<(Uuid, &'a Value)>,
    /// What this transaction does, for the fault points.
    pub(super) kinds: Vec<Transaction>,
}

impl<'a> Effects<'a> {
    /// Adds one settlement. `continued`: its worker has renewed the lease for the next step.
    pub(super) fn collect(&mut self, settlement: &'a Settlement, continued: bool, worker_id: i64) {
        let claim = &*settlement.claim;
        match &settlement.verdict {
            Verdict::Advance { next } => self.advance(claim, next, continued),
            Verdict::Joined { .. } => {
                self.kinds.push(Transaction::Child);
                self.finished.push(claim.task_id);
                self.children.extend(Child::of(claim));
            }
            Verdict::Defer { delay, .. } => {
                self.kinds.push(Transaction::Retry);
                self.deferred.push((claim.task_id, delay.as_secs_f64()));
            }
            Verdict::HandBack => {
                self.kinds.push(Transaction::HandBack);
                self.handed_back.push(claim.task_id);
            }
            Verdict::Bury { cause, error } => {
                self.kinds.push(Transaction::DeadLetter);
                self.dead.push(Dead {
                    task_id: claim.task_id,
                    cause: cause.as_str(),
                    error: error.clone(),
                    fingerprint: fingerprint(&claim.step, error),
                    worker_id,
                    child: Child::of(claim),
                });
            }
            Verdict::Reject { rejection, .. } => {
                self.kinds.push(Transaction::Reject);
                self.rejected.push((claim.run_id, json!(rejection)));
            }
        }
    }

    fn advance(&mut self, claim: &'a Claim, next: &'a Next, continued: bool) {
        match next {
            Next::End { output } => {
                self.kinds.push(Transaction::End);
                self.finished.push(claim.task_id);
                self.ended.push((claim.run_id, output));
            }
            Next::Task(task) if continued => {
                self.kinds.push(Transaction::Continue);
                self.continued.push((claim, task));
            }
            Next::Task(task) => {
                self.kinds.push(Transaction::Advance);
                self.moved.push((claim, task));
            }
            Next::FanOut {
                fan_out_id,
                children,
                ..
            } => {
                self.kinds.push(Transaction::FanOut);
                self.finished.push(claim.task_id);
                self.fan_outs.push((claim, next));
                let children = (0..).zip(children);
                self.new
                    .extend(children.map(|(place, task)| (claim, *fan_out_id, place, task)));
            }
        }
    }

    /// Writes it all, in an order in which each statement finds what it reads. `paused` are the
    /// what must not become ready. Returns how many tasks became ready in which queue.
    pub(super) async fn write(
        mut self,
        tx: &mut PgConnection,
        lanes: &Lanes,
        paused: &Paused,
        batch: &[&'a Settlement],
        worker_id: i64,
    ) -> Result<(HashMap<String, usize>, Vec<Transaction>), sqlx::Error> {
        history::record(tx, batch, worker_id).await?;
        tasks::delete(tx, &self.finished).await?;
        let mut ready = self.place(tx, lanes, paused).await?;
        self.defer(tx).await?;
        self.children.extend(letters::bury(tx, &self.dead).await?);
        for (run_id, result) in &self.rejected {
            tasks::clear(tx, *run_id, "obsolete", ("engine", "the run was rejected")).await?;
            reject(tx, *run_id, result).await?;
        }
        let joined = fan_out::join(tx, &self.children, paused).await?;
        if !joined.is_empty() {
            self.kinds.push(Transaction::Join);
        }
        ready.extend(joined);
        self.end_runs(tx).await?;
        ready.extend(self.hand_back(tx).await?);
        let mut counts = HashMap::new();
        for queue in ready {
            *counts.entry(queue).or_default() += 1;
        }
        Ok((counts, self.kinds))
    }

    /// The tasks that follow, each in the lane of its step.
    async fn place(
        &self,
        tx: &mut PgConnection,
        lanes: &Lanes,
        paused: &Paused,
    ) -> Result<Vec<String>, sqlx::Error> {
        let mut queues = Vec::new();
        let mut row = |claim: &'a Claim, task: &'a NewTask, task_id, child_of, free: bool| {
            let ready = free && !paused.runs.contains(&claim.run_id);
            if ready {
                queues.push(task.queue.to_owned());
            }
            Ok::<_, sqlx::Error>(Row {
                task_id,
                run_id: claim.run_id,
                lane: lane_of(lanes, claim, task.queue)?,
                key: claim.key,
                rank: claim.rank,
                step: task.step,
                input: &task.input,
                child_of,
                ready,
            })
        };
        let mut moved: Vec<_> = self
            .moved
            .iter()
            .map(|(claim, task)| row(claim, task, claim.task_id, None, true))
            .collect::<Result<_, _>>()?;
        for (claim, task) in &self.continued {
            moved.push(row(claim, task, claim.task_id, None, false)?);
        }
        let new: Vec<_> = self
            .new
            .iter()
            .map(|(claim, fan_out, place, task)| {
                row(claim, task, Uuid::now_v7(), Some((*fan_out, *place)), true)
            })
            .collect::<Result<_, _>>()?;
        tasks::advance(tx, &moved).await?;
        fan_out::insert(tx, &self.fan_out_rows(lanes)?).await?;
        tasks::insert(tx, &new).await?;
        Ok(queues)
    }

    fn fan_out_rows(&self, lanes: &Lanes) -> Result<Vec<NewFanOut<'a>>, sqlx::Error> {
        let mut rows = Vec::new();
        for (claim, next) in &self.fan_outs {
            let Next::FanOut {
                fan_out_id,
                step,
                carry,
                children,
                partial,
                join: (join_step, join_queue),
            } = next
            else {
                continue;
            };
            rows.push(NewFanOut {
                fan_out_id: *fan_out_id,
                run_id: claim.run_id,
                step,
                total: children.len(),
                carry,
                partial: *partial,
                join_step,
                join_lane: lane_of(lanes, claim, join_queue)?,
            });
        }
        Ok(rows)
    }

    async fn defer(&self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.deferred.is_empty() {
            return Ok(());
        }
        let (ids, delays): (Vec<Uuid>, Vec<f64>) = self.deferred.iter().copied().unzip();
        // A paused run's tasks are in no place; going on makes them ready at once.
        sqlx::query!(
            "WITH failed AS (
                UPDATE workflows.tasks t SET errors = t.errors + 1
                FROM unnest($1::uuid[], $2::float8[]) AS d (task_id, delay), workflows.runs r
                WHERE t.task_id = d.task_id AND r.run_id = t.run_id
                RETURNING t.task_id, d.delay, r.paused_at)
             INSERT INTO workflows.deferred (due_at, task_id)
             SELECT clock_timestamp() + make_interval(secs => delay), task_id FROM failed
             WHERE paused_at IS NULL",
            &ids,
            &delays,
        )
        .execute(tx)
        .await?;
        Ok(())
    }

    async fn hand_back(&self, tx: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
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

    async fn end_runs(&self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
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

/// The lane of a step of the claim's run.
fn lane_of(lanes: &Lanes, claim: &Claim, queue: &'static str) -> Result<i32, sqlx::Error> {
    lanes
        .number(queue, claim.lane.workflow, claim.lane.version)
        .ok_or(sqlx::Error::RowNotFound)
}

/// Ends a run by its input's fault.
async fn reject(tx: &mut PgConnection, run_id: Uuid, result: &Value) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE workflows.runs SET state = 'rejected', result = $2, ended_at = now() WHERE run_id = $1",
        run_id,
        result,
    )
    .execute(tx)
    .await?;
    Ok(())
}
