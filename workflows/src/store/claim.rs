//! Claiming ready tasks.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::lanes::{Lane, Lanes};
use crate::{
    claim::Claim,
    faults::{Moment, Transaction, reach},
};

/// What one process would take now.
#[derive(Debug, Default)]
pub(crate) struct Demand {
    /// Lanes to look into, with their queue's free slots and the key after which to look.
    pub lanes: Vec<(i32, &'static str, usize, i64)>,
    /// Steps that this build has, with their lane.
    pub steps: Vec<(i32, &'static str)>,
    /// Lane, key and lowest rank of where to look, instead of looking for keys.
    pub fronts: Option<Vec<(i32, i64, i64)>>,
}

/// Claimed tasks, and whether a share was used up, so that more may be waiting.
pub(crate) type Claimed = (Vec<Arc<Claim>>, bool);

/// Takes tasks for `worker_id`, at most as many as there are slots. Keys take turns; within a key
/// the order is that of the runs' ranks.
///
/// Meant for a connection with asynchronous commit: a claim that is lost with the server loses
/// nothing, because the task is then ready again.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    known: &Lanes,
    demand: &Demand,
    worker_id: i64,
    lease: Duration,
) -> Result<Claimed, sqlx::Error> {
    let (mut lanes, mut queues, mut slots, mut after) = (vec![], vec![], vec![], vec![]);
    for (lane, queue, free, key) in &demand.lanes {
        lanes.push(*lane);
        queues.push((*queue).to_owned());
        slots.push(i32::try_from(*free).unwrap_or(i32::MAX));
        after.push(*key);
    }
    let (step_lanes, steps): (Vec<i32>, Vec<String>) = demand
        .steps
        .iter()
        .map(|(lane, step)| (*lane, (*step).to_owned()))
        .unzip();
    let (mut front_lanes, mut keys, mut ranks) = (vec![], vec![], vec![]);
    for (lane, key, rank) in demand.fronts.iter().flatten() {
        front_lanes.push(*lane);
        keys.push(*key);
        ranks.push(*rank);
    }
    reach(Transaction::Claim, Moment::Before);
    let rows = sqlx::query_file_as!(
        Row,
        "src/store/claim.sql",
        &lanes,
        &queues,
        &slots,
        &after,
        &step_lanes,
        &steps,
        worker_id,
        lease.as_secs_f64(),
        demand.fronts.is_none(),
        &front_lanes,
        &keys,
        &ranks,
    )
    .fetch_all(connection)
    .await?;
    if !rows.is_empty() {
        reach(Transaction::Claim, Moment::After);
    }

    let mut taken: HashMap<(i32, i64), i64> = HashMap::new();
    let mut more = false;
    let mut claims = Vec::with_capacity(rows.len());
    for row in rows {
        let share = taken.entry((row.lane, row.key)).or_default();
        *share += 1;
        more |= *share >= row.quota;
        // Every lane that was asked for is known.
        if let Some(lane) = known.get(row.lane) {
            claims.push(Arc::new(row.into_claim(lane.clone())));
        }
    }
    Ok((claims, more))
}

struct Row {
    task_id: Uuid,
    run_id: Uuid,
    subject: Uuid,
    trace_parent: Option<String>,
    lane: i32,
    key: i64,
    rank: i64,
    step: String,
    fan_out_id: Option<Uuid>,
    child: Option<i32>,
    input: Value,
    errors: i32,
    crashes: i32,
    interruptions: i32,
    token: i64,
    started_at: DateTime<Utc>,
    waited: f64,
    quota: i64,
}

impl Row {
    fn into_claim(self, lane: Lane) -> Claim {
        Claim {
            task_id: self.task_id,
            run_id: self.run_id,
            subject: self.subject,
            lane,
            key: self.key,
            rank: self.rank,
            step: self.step,
            fan_out_id: self.fan_out_id,
            child: self.child,
            input: self.input,
            errors: self.errors,
            crashes: self.crashes,
            interruptions: self.interruptions,
            token: self.token,
            started_at: self.started_at,
            trace_parent: self.trace_parent,
            waited: Duration::try_from_secs_f64(self.waited).unwrap_or_default(),
        }
    }
}
