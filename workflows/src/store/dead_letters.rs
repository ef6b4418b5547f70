//! Writing dead letters.

use std::collections::HashSet;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::define::ids::{FanOutId, FencingToken, Fingerprint, LetterId, RunId, TaskId, WorkerId};
use crate::protocol::state::Cause;
use crate::store::error::StoreError;
use crate::{
    define::payload::Payload,
    store::fan_out::{self, Child},
};

/// A task that dies. The error or crash of its last attempt is not counted in its row yet.
pub(super) struct Dead<'a> {
    pub task_id: TaskId,
    pub token: FencingToken,
    pub cause: Cause,
    pub error: &'a Payload,
    pub fingerprint: Fingerprint,
    pub worker_id: WorkerId,
    /// Set on children of a fan-out.
    pub child: Option<Child>,
}

/// What became of the dead.
#[derive(Default)]
pub(super) struct DeadLettered {
    /// Children of fan-outs that allow missing children: the join goes on without them.
    pub skipped: Vec<Child>,
    /// Runs that are dead now and were not before.
    pub runs: HashSet<RunId>,
}

/// Moves tasks into the dead letters and marks the runs that wait for a decision.
pub(super) async fn dead_letter(
    connection: &mut PgConnection,
    dead: &[Dead<'_>],
) -> Result<DeadLettered, StoreError> {
    if dead.is_empty() {
        return Ok(DeadLettered::default());
    }
    let children: Vec<Child> = dead.iter().filter_map(|d| d.child).collect();
    let fan_outs: Vec<FanOutId> = children.iter().map(|c| c.fan_out_id).collect();
    let partial = fan_out::partial(connection, &fan_outs).await?;
    let missing = |child: &Child| partial.contains(&child.fan_out_id);
    let runs = write(connection, dead, &missing).await?;
    Ok(DeadLettered {
        skipped: children.into_iter().filter(missing).collect(),
        runs: runs.into_iter().collect(),
    })
}

/// Writes the letters. Returns the runs that are dead now and were not before.
async fn write(
    connection: &mut PgConnection,
    dead: &[Dead<'_>],
    missing: &(dyn Fn(&Child) -> bool + Sync),
) -> Result<Vec<RunId>, StoreError> {
    let ids: Vec<TaskId> = dead.iter().map(|d| d.task_id).collect();
    let letters: Vec<LetterId> = dead.iter().map(|_| LetterId(Uuid::now_v7())).collect();
    let causes: Vec<String> = dead.iter().map(|d| d.cause.as_str().to_owned()).collect();
    let errors: Vec<String> = dead.iter().map(|d| d.error.as_str().to_owned()).collect();
    let prints: Vec<Fingerprint> = dead.iter().map(|d| d.fingerprint.clone()).collect();
    let workers: Vec<WorkerId> = dead.iter().map(|d| d.worker_id).collect();
    let tokens: Vec<FencingToken> = dead.iter().map(|d| d.token).collect();
    let skipped: Vec<bool> = dead
        .iter()
        .map(|d| d.child.as_ref().is_some_and(missing))
        .collect();
    Ok(sqlx::query_scalar!(
        r#"WITH gone AS (
            DELETE FROM workflows.tasks t
            USING unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                         $7::bool[], $8::bigint[])
                  AS d (task_id, letter_id, cause, error, fingerprint, worker_id, skipped, token)
            WHERE t.task_id = d.task_id
            RETURNING t.task_id, t.run_id, t.lane, t.key, t.rank, t.fan_out_id, t.child, t.input, t.errors,
                      t.crashes, t.interruptions, d.letter_id, d.cause, d.error, d.fingerprint,
                      d.worker_id, d.skipped, d.token),
         letters AS (
            INSERT INTO workflows.dead_letters
                (letter_id, task_id, run_id, lane, fairness_key, key, rank, fan_out_id, child, input,
                 errors, crashes, interruptions, token, cause, error, fingerprint, worker_id,
                 resolved_at, resolution)
            SELECT g.letter_id, g.task_id, g.run_id, g.lane, r.fairness_key, g.key, g.rank,
                   g.fan_out_id, g.child, g.input,
                   g.errors + (g.cause IN ('errors', 'failed'))::int,
                   g.crashes + (g.cause = 'crashes')::int,
                   g.interruptions + (g.cause = 'interruptions')::int,
                   g.token, g.cause, g.error::json, g.fingerprint, g.worker_id,
                   CASE WHEN g.skipped THEN now() END, CASE WHEN g.skipped THEN 'skipped' END
            FROM gone g JOIN workflows.runs r USING (run_id)
            RETURNING run_id, resolved_at)
         UPDATE workflows.runs SET state = 'dead'
         WHERE run_id IN (SELECT run_id FROM letters WHERE resolved_at IS NULL) AND state = 'running'
         RETURNING run_id AS "run_id: RunId""#,
        &ids as &[TaskId],
        &letters as &[LetterId],
        &causes,
        &errors,
        &prints as &[Fingerprint],
        &workers as &[WorkerId],
        &skipped,
        &tokens as &[FencingToken],
    )
    .fetch_all(connection)
    .await?)
}
