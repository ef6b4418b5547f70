//! Fan-outs and their joins.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    lock::Paused,
    tasks::{self, Row},
};
use crate::claim::Claim;

/// A fan-out to record, beside its children.
pub(super) struct NewFanOut<'a> {
    pub fan_out_id: Uuid,
    pub run_id: Uuid,
    pub step: &'a str,
    pub total: usize,
    pub carry: &'a Value,
    pub partial: bool,
    pub join_step: &'a str,
    pub join_lane: i32,
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    new: &[NewFanOut<'_>],
) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = new.iter().map(|f| f.fan_out_id).collect();
    let runs: Vec<Uuid> = new.iter().map(|f| f.run_id).collect();
    let steps: Vec<String> = new.iter().map(|f| f.step.to_owned()).collect();
    let totals = new.iter().map(|f| i32::try_from(f.total));
    let totals: Vec<i32> = totals
        .collect::<Result<_, _>>()
        .map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    let carries: Vec<Value> = new.iter().map(|f| f.carry.clone()).collect();
    let partial: Vec<bool> = new.iter().map(|f| f.partial).collect();
    let join_steps: Vec<String> = new.iter().map(|f| f.join_step.to_owned()).collect();
    let join_lanes: Vec<i32> = new.iter().map(|f| f.join_lane).collect();
    sqlx::query!(
        "INSERT INTO workflows.fan_outs
            (fan_out_id, run_id, step, total, remaining, carry, partial, join_step, join_lane)
         SELECT id, run_id, step, total, total, carry, partial, join_step, join_lane
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::jsonb[], $6::bool[], $7::text[], $8::int[])
              AS f (id, run_id, step, total, carry, partial, join_step, join_lane)",
        &ids,
        &runs,
        &steps,
        &totals,
        &carries,
        &partial,
        &join_steps,
        &join_lanes,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Those of the fan-outs whose joins are told of dead children instead of waiting for them.
pub(super) async fn partial(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<Uuid>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar!(
        "SELECT fan_out_id FROM workflows.fan_outs WHERE fan_out_id = ANY($1) AND partial",
        ids,
    )
    .fetch_all(connection)
    .await
}

/// A child that has ended, with what its join will inherit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child {
    pub fan_out_id: Uuid,
    pub run_id: Uuid,
    pub key: i64,
    pub rank: i64,
}

impl Child {
    /// `None` when the task is no child.
    pub fn of(claim: &Claim) -> Option<Self> {
        claim.fan_out_id.map(|fan_out_id| Self {
            fan_out_id,
            run_id: claim.run_id,
            key: claim.key,
            rank: claim.rank,
        })
    }
}

/// Counts children that have ended and inserts the join of each fan-out of which they were the last.
/// Returns the queues of the joins.
pub(super) async fn join(
    connection: &mut PgConnection,
    children: &[Child],
    paused: &Paused,
) -> Result<Vec<String>, sqlx::Error> {
    let ids: Vec<Uuid> = children.iter().map(|c| c.fan_out_id).collect();
    let joins = count_down(connection, &ids).await?;
    let of = |join: &Join| children.iter().find(|c| c.fan_out_id == join.fan_out_id);
    let rows: Vec<_> = joins
        .iter()
        .filter_map(|join| of(join).map(|child| (child, join)))
        .map(|(child, join)| Row {
            task_id: Uuid::now_v7(),
            run_id: child.run_id,
            lane: join.lane,
            key: child.key,
            rank: child.rank,
            step: &join.step,
            input: &join.input,
            child_of: None,
            ready: !paused.runs.contains(&child.run_id),
        })
        .collect();
    tasks::insert(connection, &rows).await?;
    Ok(joins.into_iter().map(|join| join.queue).collect())
}

/// A join that follows now.
struct Join {
    fan_out_id: Uuid,
    step: String,
    lane: i32,
    queue: String,
    input: Value,
}

/// Counts children that have ended (an id per child). Returns the join of each fan-out that this
/// completed; its row is gone, so no later child can complete it again.
async fn count_down(
    connection: &mut PgConnection,
    ended: &[Uuid],
) -> Result<Vec<Join>, sqlx::Error> {
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    let completed = sqlx::query_scalar!(
        "UPDATE workflows.fan_outs f SET remaining = f.remaining - ended.children
         FROM (SELECT id, count(*)::int AS children FROM unnest($1::uuid[]) AS id GROUP BY id) ended
         WHERE f.fan_out_id = ended.id
         RETURNING CASE WHEN f.remaining = 0 THEN f.fan_out_id END",
        ended,
    )
    .fetch_all(&mut *connection)
    .await?;
    let completed: Vec<Uuid> = completed.into_iter().flatten().collect();
    if completed.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        Join,
        r#"WITH gone AS (DELETE FROM workflows.fan_outs WHERE fan_out_id = ANY($1) RETURNING *)
         SELECT g.fan_out_id AS "fan_out_id!", g.join_step AS "step!", g.join_lane AS "lane!",
                coalesce(l.queue, '') AS "queue!",
                jsonb_build_object('carry', g.carry, 'children', CASE WHEN g.partial THEN (
                    SELECT jsonb_agg(ended.outcome ORDER BY ended.child) FROM (
                        SELECT a.child, jsonb_build_object('Ok', a.output) AS outcome FROM workflows.attempts a
                        WHERE a.run_id = g.run_id AND a.fan_out_id = g.fan_out_id AND a.outcome = 'done'
                        UNION ALL
                        SELECT d.child, jsonb_build_object('Err', jsonb_build_object('error', d.error ->> 'message'))
                        FROM workflows.dead_letters d
                        WHERE d.run_id = g.run_id AND d.fan_out_id = g.fan_out_id AND d.resolution = 'skipped') ended)
                ELSE (
                    SELECT jsonb_agg(a.output ORDER BY a.child) FROM workflows.attempts a
                    WHERE a.run_id = g.run_id AND a.fan_out_id = g.fan_out_id AND a.outcome = 'done')
                END) AS "input!"
         FROM gone g LEFT JOIN workflows.lanes l ON l.lane = g.join_lane"#,
        &completed,
    )
    .fetch_all(connection)
    .await
}
