//! What a batch of completions writes, sorted by table, so that each is one statement.

mod ends;

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use crate::define::ids::{FanOutId, FencingToken, LaneId, RunId, TaskId, WorkerId};
use crate::protocol::state::Resolution;
use crate::store::error::StoreError;
use crate::{
    define::{lane::Lane, payload::Payload},
    protocol::{
        completion::{Completion, Decision, Next},
        failpoints::Failpoint,
        fingerprint::fingerprint,
        task::{Claim, NewTask},
    },
    store::{
        dead_letters::{self, Dead},
        events,
        fan_out::{self, Child, NewFanOut},
        history,
        lanes::Lanes,
        lock::Locked,
        tasks::{self, Row},
    },
};

/// The batch, sorted into what has to be written where.
#[derive(Default)]
pub(super) struct Effects<'a> {
    /// Tasks that move on to their next step, and whether their worker goes on with them.
    moved: Vec<(&'a Claim, &'a NewTask, bool)>,
    /// Tasks that are over.
    finished: Vec<TaskId>,
    /// Children of the fan-outs.
    new: Vec<(&'a Claim, FanOutId, i32, &'a NewTask)>,
    fan_outs: Vec<NewFanOut<'a>>,
    /// Children that are done.
    children: Vec<Child>,
    /// Task and seconds of those that sleep before their next step.
    sleeping: Vec<(TaskId, f64)>,
    /// Task, seconds, token, and the errors to count.
    deferred: Vec<(TaskId, f64, FencingToken, i32)>,
    handed_back: Vec<(TaskId, FencingToken)>,
    dead: Vec<Dead<'a>>,
    rejected: Vec<(RunId, &'a Payload)>,
    ended: Vec<(RunId, &'a Payload)>,
    /// What this transaction does, for the fault points.
    kinds: Vec<Failpoint>,
}

/// What was written.
#[derive(Default)]
pub(super) struct Written {
    /// How many tasks became ready in which lane.
    pub ready: HashMap<LaneId, usize>,
    pub kinds: Vec<Failpoint>,
    /// Runs that are dead now and were not before.
    pub dead_runs: HashSet<RunId>,
    /// A fan-out whose join could not be given all that: nothing of this may be committed.
    pub too_large: Option<FanOutId>,
}

impl<'a> Effects<'a> {
    /// Adds one completion. `continued`: its worker has renewed the lease for the next step.
    pub fn collect(
        &mut self,
        completion: &'a Completion,
        continued: bool,
        worker_id: WorkerId,
        lanes: &Lanes,
    ) -> Result<(), StoreError> {
        let claim = &*completion.claim;
        match &completion.decision {
            Decision::Advance { next } => self.advance(claim, next, continued, lanes)?,
            Decision::Joined { output } => {
                self.kinds.push(Failpoint::Child);
                self.finished.push(claim.task_id);
                self.children
                    .extend(Child::of(claim, output.as_str().len()));
            }
            Decision::Retry { delay, .. } => {
                self.kinds.push(Failpoint::Retry);
                let row = (claim.task_id, delay.as_secs_f64(), claim.token, 1);
                self.deferred.push(row);
            }
            Decision::Wait { delay, .. } => {
                self.kinds.push(Failpoint::Retry);
                let row = (claim.task_id, delay.as_secs_f64(), claim.token, 0);
                self.deferred.push(row);
            }
            Decision::Release => {
                self.kinds.push(Failpoint::Release);
                self.handed_back.push((claim.task_id, claim.token));
            }
            Decision::DeadLetter { cause, error } => {
                self.kinds.push(Failpoint::DeadLetter);
                self.dead.push(Dead {
                    task_id: claim.task_id,
                    token: claim.token,
                    cause: *cause,
                    error,
                    fingerprint: fingerprint(claim.lane.step, &error.decode().unwrap_or_default()),
                    worker_id,
                    child: Child::of(claim, error.as_str().len()),
                });
            }
            Decision::Reject { result, .. } => {
                self.kinds.push(Failpoint::Reject);
                self.rejected.push((claim.run_id, result));
            }
        }
        Ok(())
    }

    fn advance(
        &mut self,
        claim: &'a Claim,
        next: &'a Next,
        continued: bool,
        lanes: &Lanes,
    ) -> Result<(), StoreError> {
        match next {
            Next::End { output } => {
                self.kinds.push(Failpoint::End);
                self.finished.push(claim.task_id);
                self.ended.push((claim.run_id, output));
            }
            Next::Task(task) => {
                self.kinds.push(if continued {
                    Failpoint::Continue
                } else {
                    Failpoint::Advance
                });
                if !task.sleep.is_zero() {
                    self.sleeping
                        .push((claim.task_id, task.sleep.as_secs_f64()));
                }
                self.moved.push((claim, task, continued));
            }
            Next::FanOut {
                fan_out_id,
                children,
                carry,
                partial,
                join,
            } => {
                self.kinds.push(Failpoint::FanOut);
                self.finished.push(claim.task_id);
                self.fan_outs.push(NewFanOut {
                    fan_out_id: *fan_out_id,
                    run_id: claim.run_id,
                    total: children.len(),
                    carry,
                    partial: *partial,
                    join_lane: number(lanes, join)?,
                });
                let children = (0..).zip(children);
                self.new
                    .extend(children.map(|(child, task)| (claim, *fan_out_id, child, task)));
            }
        }
        Ok(())
    }

    /// Writes it all, in an order in which each statement finds what it reads.
    pub async fn write(
        mut self,
        tx: &mut PgConnection,
        lanes: &Lanes,
        locked: &Locked,
        batch: &[&'a Completion],
        worker_id: WorkerId,
    ) -> Result<Written, StoreError> {
        history::record(tx, batch, worker_id).await?;
        tasks::delete(tx, &self.finished).await?;
        let mut ready = self.place(tx, lanes, locked).await?;
        self.defer(tx).await?;
        self.sleep(tx).await?;
        let dead_lettered = dead_letters::dead_letter(tx, &self.dead).await?;
        self.children.extend(dead_lettered.skipped);
        for (run_id, result) in &self.rejected {
            tasks::clear(
                tx,
                *run_id,
                Resolution::Obsolete,
                ("engine", "the run was rejected"),
            )
            .await?;
            ends::reject(tx, *run_id, result).await?;
        }
        let ended = fan_out::join(tx, &self.children, locked).await?;
        if !ended.joins.is_empty() {
            self.kinds.push(Failpoint::Join);
        }
        ready.extend(ended.joins);
        self.end_runs(tx).await?;
        ready.extend(self.hand_back(tx).await?);
        events::tell(tx, lanes, batch, &dead_lettered.runs).await?;
        let mut written = Written {
            kinds: self.kinds,
            dead_runs: dead_lettered.runs,
            too_large: ended.too_large,
            ..Written::default()
        };
        for lane in ready {
            *written.ready.entry(lane).or_default() += 1;
        }
        Ok(written)
    }

    /// The tasks that follow, each in the lane of its step. Returns the lanes of those that became
    /// ready.
    async fn place(
        &self,
        tx: &mut PgConnection,
        lanes: &Lanes,
        locked: &Locked,
    ) -> Result<Vec<LaneId>, StoreError> {
        let mut ready_lanes = Vec::new();
        let mut row = |claim: &'a Claim, task: &'a NewTask, task_id, child_of, free: bool| {
            let lane = number(lanes, &task.lane)?;
            let awake = free && task.sleep.is_zero();
            let ready = awake && !locked.paused.contains(&claim.run_id);
            if ready {
                ready_lanes.push(lane);
            }
            Ok::<_, StoreError>(Row {
                task_id,
                run_id: claim.run_id,
                lane,
                fairness_hash: claim.fairness_hash,
                rank: claim.rank,
                input: &task.input,
                child_of,
                token: claim.token,
                ready,
            })
        };
        let moved: Vec<_> = self
            .moved
            .iter()
            .map(|(claim, task, continued)| row(claim, task, claim.task_id, None, !continued))
            .collect::<Result<_, _>>()?;
        let new: Vec<_> = self
            .new
            .iter()
            .map(|(claim, fan_out, child, task)| {
                row(
                    claim,
                    task,
                    TaskId(Uuid::now_v7()),
                    Some((*fan_out, *child)),
                    true,
                )
            })
            .collect::<Result<_, _>>()?;
        tasks::advance(tx, &moved).await?;
        fan_out::insert(tx, &self.fan_outs).await?;
        tasks::insert(tx, &new).await?;
        Ok(ready_lanes)
    }
}

/// The number of a lane of the claim's workflow.
fn number(lanes: &Lanes, lane: &Lane) -> Result<LaneId, StoreError> {
    lanes.number_of(lane).ok_or(StoreError::NoLane(lane.step))
}
