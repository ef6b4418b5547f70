//! Tasks coming and going between the queue's tables.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::plan::NewTask;

/// Inserts tasks that can be claimed at once. Workflow and version are the run's.
pub(super) async fn insert_ready(
    connection: &mut PgConnection,
    tasks: &[(Uuid, &NewTask)],
) -> Result<(), sqlx::Error> {
    if tasks.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = tasks.iter().map(|(_, t)| t.task_id).collect();
    let runs: Vec<Uuid> = tasks.iter().map(|(run, _)| *run).collect();
    let steps: Vec<String> = tasks.iter().map(|(_, t)| t.step.to_owned()).collect();
    let queues: Vec<String> = tasks.iter().map(|(_, t)| t.queue.to_owned()).collect();
    let inputs: Vec<Value> = tasks.iter().map(|(_, t)| t.input.clone()).collect();
    let fan_outs: Vec<Option<Uuid>> = tasks.iter().map(|(_, t)| t.fan_out_id).collect();
    let children: Vec<Option<i32>> = tasks.iter().map(|(_, t)| t.child).collect();
    sqlx::query!(
        "WITH new AS (
            INSERT INTO workflows.tasks
                (task_id, run_id, workflow, version, step, queue, priority, fan_out_id, child, input)
            SELECT t.task_id, t.run_id, r.workflow, r.version, t.step, t.queue, 0,
                   t.fan_out_id, t.child, t.input
            FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::int[], $7::jsonb[])
                 AS t (task_id, run_id, step, queue, fan_out_id, child, input)
            JOIN workflows.runs r USING (run_id)
            RETURNING queue, workflow, version, priority, task_id)
         INSERT INTO workflows.ready (queue, workflow, version, priority, task_id)
         SELECT queue, workflow, version, priority, task_id FROM new",
        &ids,
        &runs,
        &steps,
        &queues,
        &fan_outs as &[Option<Uuid>],
        &children as &[Option<i32>],
        &inputs,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts live tasks whose lease is gone back among the claimable.
pub(super) async fn make_ready(
    connection: &mut PgConnection,
    tasks: &[Uuid],
) -> Result<Vec<String>, sqlx::Error> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar!(
        "WITH back AS (
            INSERT INTO workflows.ready (queue, workflow, version, priority, task_id)
            SELECT queue, workflow, version, priority, task_id
            FROM workflows.tasks WHERE task_id = ANY($1)
            RETURNING queue)
         SELECT DISTINCT queue FROM back",
        tasks,
    )
    .fetch_all(connection)
    .await
}

/// Removes finished tasks.
pub(super) async fn delete(
    connection: &mut PgConnection,
    tasks: &[Uuid],
) -> Result<(), sqlx::Error> {
    if !tasks.is_empty() {
        sqlx::query!("DELETE FROM workflows.tasks WHERE task_id = ANY($1)", tasks)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Moves tasks into the dead letters and marks their runs.
pub(super) async fn bury(connection: &mut PgConnection, dead: &[Dead]) -> Result<(), sqlx::Error> {
    if dead.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = dead.iter().map(|d| d.task_id).collect();
    let causes: Vec<String> = dead.iter().map(|d| d.cause.to_owned()).collect();
    let errors: Vec<Value> = dead.iter().map(|d| d.error.clone()).collect();
    let prints: Vec<String> = dead.iter().map(|d| d.fingerprint.clone()).collect();
    let workers: Vec<i64> = dead.iter().map(|d| d.worker_id).collect();
    sqlx::query!(
        "WITH gone AS (
            DELETE FROM workflows.tasks t
            USING unnest($1::uuid[], $2::text[], $3::jsonb[], $4::text[], $5::bigint[])
                  AS d (task_id, cause, error, fingerprint, worker_id)
            WHERE t.task_id = d.task_id
            RETURNING t.*, d.cause, d.error, d.fingerprint, d.worker_id),
         letters AS (
            INSERT INTO workflows.dead_letters
                (task_id, run_id, workflow, version, step, queue, priority, fan_out_id, child, input,
                 errors, crashes, interruptions, cause, error, fingerprint, worker_id)
            SELECT task_id, run_id, workflow, version, step, queue, priority, fan_out_id, child, input,
                   errors + (cause <> 'crashes')::int, crashes, interruptions, cause, error, fingerprint, worker_id
            FROM gone
            RETURNING run_id)
         UPDATE workflows.runs SET state = 'dead'
         WHERE run_id IN (SELECT run_id FROM letters) AND state = 'running'",
        &ids,
        &causes,
        &errors,
        &prints,
        &workers,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A task to bury. The error that killed it is not counted in its row yet.
pub(super) struct Dead {
    pub task_id: Uuid,
    pub cause: &'static str,
    pub error: Value,
    pub fingerprint: String,
    pub worker_id: i64,
}
