//! Fan-outs and their joins.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::define::ids::{FairnessHash, FanOutId, FencingToken, LaneId, Rank, RunId, TaskId};
use crate::store::error::StoreError;
use crate::{
    define::payload::Payload,
    protocol::task::Claim,
    store::{
        lock::Locked,
        tasks::{self, Row},
    },
};

/// Bytes that a join can be given. Postgres stores no more than 1 GiB, and a worker must hold it.
pub(crate) const JOIN_BYTES: usize = 128 << 20;

/// A fan-out to record, beside its children.
pub(super) struct NewFanOut<'a> {
    pub fan_out_id: FanOutId,
    pub run_id: RunId,
    pub total: usize,
    pub carry: &'a Payload,
    pub partial: bool,
    pub join_lane: LaneId,
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    new: &[NewFanOut<'_>],
) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    let ids: Vec<FanOutId> = new.iter().map(|f| f.fan_out_id).collect();
    let runs: Vec<RunId> = new.iter().map(|f| f.run_id).collect();
    let totals = new.iter().map(|f| i32::try_from(f.total));
    let totals: Vec<i32> = totals
        .collect::<Result<_, _>>()
        .map_err(|_| StoreError::TooManyChildren)?;
    let carries: Vec<String> = new.iter().map(|f| f.carry.as_str().to_owned()).collect();
    let partial: Vec<bool> = new.iter().map(|f| f.partial).collect();
    let join_lanes: Vec<LaneId> = new.iter().map(|f| f.join_lane).collect();
    sqlx::query!(
        "INSERT INTO workflows.fan_outs
            (fan_out_id, run_id, total, remaining, bytes, carry, partial, join_lane)
         SELECT id, run_id, total, total, octet_length(carry), carry::json, partial, join_lane
         FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::bool[], $6::int[])
              AS f (id, run_id, total, carry, partial, join_lane)",
        &ids as &[FanOutId],
        &runs as &[RunId],
        &totals,
        &carries,
        &partial,
        &join_lanes as &[LaneId],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Those of the fan-outs whose joins are told of dead children instead of waiting for them.
pub(super) async fn partial(
    connection: &mut PgConnection,
    ids: &[FanOutId],
) -> Result<Vec<FanOutId>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_scalar!(
        r#"SELECT fan_out_id AS "fan_out_id: FanOutId" FROM workflows.fan_outs
           WHERE fan_out_id = ANY($1) AND partial"#,
        ids as &[FanOutId],
    )
    .fetch_all(connection)
    .await?)
}

/// A child that has ended, with what its join will inherit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child {
    pub fan_out_id: FanOutId,
    pub run_id: RunId,
    pub fairness_hash: FairnessHash,
    pub rank: Rank,
    /// Bytes of its output.
    pub bytes: i64,
}

impl Child {
    /// `None` when the task is no child.
    pub fn of(claim: &Claim, output: usize) -> Option<Self> {
        claim.fan_out_id.map(|fan_out_id| Self {
            fan_out_id,
            run_id: claim.run_id,
            fairness_hash: claim.fairness_hash,
            rank: claim.rank,
            bytes: i64::try_from(output).unwrap_or(i64::MAX),
        })
    }
}

/// What came of children that ended.
#[derive(Default)]
pub(super) struct Ended {
    /// Lanes of the joins that follow.
    pub joins: Vec<LaneId>,
    /// A fan-out whose join could not be given all that: nothing of this may be committed.
    pub too_large: Option<FanOutId>,
}

/// Counts the children that have ended. Inserts the join of each fan-out whose last child is among them.
pub(super) async fn join(
    connection: &mut PgConnection,
    children: &[Child],
    locked: &Locked,
) -> Result<Ended, StoreError> {
    let (completed, too_large) = count_down(connection, children).await?;
    if too_large.is_some() || completed.is_empty() {
        return Ok(Ended {
            joins: Vec::new(),
            too_large,
        });
    }
    let joins = take_joins(connection, &completed).await?;
    let of = |join: &Join| children.iter().find(|c| c.fan_out_id == join.fan_out_id);
    let rows: Vec<_> = joins
        .iter()
        .filter_map(|join| of(join).map(|child| (child, join)))
        .map(|(child, join)| Row {
            task_id: TaskId(Uuid::now_v7()),
            run_id: child.run_id,
            lane: join.lane,
            fairness_hash: child.fairness_hash,
            rank: child.rank,
            input: &join.input,
            child_of: None,
            token: FencingToken(0),
            ready: !locked.paused.contains(&child.run_id),
        })
        .collect();
    tasks::insert(connection, &rows).await?;
    Ok(Ended {
        joins: joins.into_iter().map(|join| join.lane).collect(),
        too_large: None,
    })
}

/// Counts children that have ended. Returns the fan-outs that this completed, and one that has
/// become too large.
async fn count_down(
    connection: &mut PgConnection,
    children: &[Child],
) -> Result<(Vec<FanOutId>, Option<FanOutId>), StoreError> {
    if children.is_empty() {
        return Ok(Default::default());
    }
    let mut ended: HashMap<FanOutId, (i32, i64)> = HashMap::new();
    for child in children {
        let (count, bytes) = ended.entry(child.fan_out_id).or_default();
        *count += 1;
        *bytes = bytes.saturating_add(child.bytes);
    }
    let ids: Vec<FanOutId> = ended.keys().copied().collect();
    let (counts, bytes): (Vec<i32>, Vec<i64>) = ids.iter().map(|id| ended[id]).unzip();
    let counted = sqlx::query!(
        r#"UPDATE workflows.fan_outs f
           SET remaining = f.remaining - ended.children, bytes = f.bytes + ended.bytes
           FROM unnest($1::uuid[], $2::int[], $3::bigint[]) AS ended (id, children, bytes)
           WHERE f.fan_out_id = ended.id
           RETURNING f.fan_out_id AS "fan_out_id: FanOutId", f.remaining, f.bytes"#,
        &ids as &[FanOutId],
        &counts,
        &bytes,
    )
    .fetch_all(connection)
    .await?;
    let limit = i64::try_from(JOIN_BYTES).unwrap_or(i64::MAX);
    let too_large = counted.iter().find(|f| f.bytes > limit);
    let completed = counted.iter().filter(|f| f.remaining == 0);
    Ok((
        completed.map(|f| f.fan_out_id).collect(),
        too_large.map(|f| f.fan_out_id),
    ))
}

/// A join that follows now.
struct Join {
    fan_out_id: FanOutId,
    lane: LaneId,
    input: Payload,
}

/// Ends completed fan-outs. Their rows are gone, so no later child can complete them again.
async fn take_joins(
    connection: &mut PgConnection,
    completed: &[FanOutId],
) -> Result<Vec<Join>, StoreError> {
    // Put together as text, so that nothing in the outputs changes.
    let rows = sqlx::query!(
        r#"WITH gone AS (DELETE FROM workflows.fan_outs WHERE fan_out_id = ANY($1) RETURNING *)
         SELECT g.fan_out_id AS "fan_out_id!: FanOutId", g.join_lane AS "lane!: LaneId",
                '{"carry":' || g.carry::text || ',"children":[' || coalesce(CASE WHEN g.partial THEN (
                    SELECT string_agg(ended.outcome, ',' ORDER BY ended.child) FROM (
                        SELECT a.child, '{"Ok":' || a.output::text || '}' AS outcome FROM workflows.attempts a
                        WHERE a.run_id = g.run_id AND a.fan_out_id = g.fan_out_id AND a.outcome = 'done'
                        UNION ALL
                        SELECT d.child, '{"Err":{"error":' || coalesce((d.error -> 'message')::text, '""') || '}}'
                        FROM workflows.dead_letters d
                        WHERE d.run_id = g.run_id AND d.fan_out_id = g.fan_out_id AND d.resolution = 'skipped') ended)
                ELSE (
                    SELECT string_agg(a.output::text, ',' ORDER BY a.child) FROM workflows.attempts a
                    WHERE a.run_id = g.run_id AND a.fan_out_id = g.fan_out_id AND a.outcome = 'done')
                END, '') || ']}' AS "input!"
         FROM gone g"#,
        completed as &[FanOutId],
    )
    .fetch_all(connection)
    .await?;
    let joins = rows.into_iter().map(|row| Join {
        fan_out_id: row.fan_out_id,
        lane: row.lane,
        input: Payload::stored(row.input),
    });
    Ok(joins.collect())
}
