//! Writing dead letters.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::fan_out::{self, Child};

/// A task to bury. The error that killed it is not counted in its row yet.
pub(super) struct Dead {
    pub task_id: Uuid,
    pub cause: &'static str,
    pub error: Value,
    pub fingerprint: String,
    pub worker_id: i64,
    /// Set on children of a fan-out.
    pub child: Option<Child>,
}

/// Moves tasks into the dead letters and marks the runs that wait for a decision. Returns the
/// children that nobody waits for, because their join is to be told that they are missing.
pub(super) async fn bury(
    connection: &mut PgConnection,
    dead: &[Dead],
) -> Result<Vec<Child>, sqlx::Error> {
    if dead.is_empty() {
        return Ok(Vec::new());
    }
    let children: Vec<Child> = dead.iter().filter_map(|d| d.child).collect();
    let fan_outs: Vec<Uuid> = children.iter().map(|c| c.fan_out_id).collect();
    let partial = fan_out::partial(connection, &fan_outs).await?;
    let missing = |child: &Child| partial.contains(&child.fan_out_id);
    let ids: Vec<Uuid> = dead.iter().map(|d| d.task_id).collect();
    let letters: Vec<Uuid> = dead.iter().map(|_| Uuid::now_v7()).collect();
    let causes: Vec<String> = dead.iter().map(|d| d.cause.to_owned()).collect();
    let errors: Vec<Value> = dead.iter().map(|d| d.error.clone()).collect();
    let prints: Vec<String> = dead.iter().map(|d| d.fingerprint.clone()).collect();
    let workers: Vec<i64> = dead.iter().map(|d| d.worker_id).collect();
    let skipped: Vec<bool> = dead
        .iter()
        .map(|d| d.child.as_ref().is_some_and(missing))
        .collect();
    sqlx::query!(
        "WITH gone AS (
            DELETE FROM workflows.tasks t
            USING unnest($1::uuid[], $2::uuid[], $3::text[], $4::jsonb[], $5::text[], $6::bigint[], $7::bool[])
                  AS d (task_id, letter_id, cause, error, fingerprint, worker_id, skipped)
            WHERE t.task_id = d.task_id
            RETURNING t.*, d.letter_id, d.cause, d.error, d.fingerprint, d.worker_id, d.skipped),
         letters AS (
            INSERT INTO workflows.dead_letters
                (letter_id, task_id, run_id, workflow, version, step, fairness_key, lane, key, rank,
                 fan_out_id, child, input, errors, crashes, interruptions, cause, error, fingerprint,
                 worker_id, resolved_at, resolution)
            SELECT g.letter_id, g.task_id, g.run_id, r.workflow, r.version, g.step, r.fairness_key,
                   g.lane, g.key, g.rank, g.fan_out_id, g.child, g.input,
                   g.errors + (g.cause IN ('errors', 'failed'))::int, g.crashes, g.interruptions,
                   g.cause, g.error, g.fingerprint, g.worker_id,
                   CASE WHEN g.skipped THEN now() END, CASE WHEN g.skipped THEN 'skipped' END
            FROM gone g JOIN workflows.runs r USING (run_id)
            RETURNING run_id, resolved_at)
         UPDATE workflows.runs SET state = 'dead'
         WHERE run_id IN (SELECT run_id FROM letters WHERE resolved_at IS NULL) AND state = 'running'",
        &ids,
        &letters,
        &causes,
        &errors,
        &prints,
        &workers,
        &skipped,
    )
    .execute(connection)
    .await?;
    Ok(children.into_iter().filter(missing).collect())
}
