//! A run and its first task.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::lanes;
use crate::faults::{Moment, Transaction, reach};

pub(crate) struct NewRun<'a> {
    pub run_id: Uuid,
    pub workflow: &'a str,
    pub version: i32,
    pub subject: Uuid,
    pub fairness_key: &'a str,
    pub priority: i16,
    pub trace_parent: Option<&'a str>,
    pub step: &'a str,
    pub queue: &'a str,
    pub input: &'a Value,
}

pub(crate) async fn insert_run(
    connection: &mut PgConnection,
    run: &NewRun<'_>,
) -> Result<(), sqlx::Error> {
    reach(Transaction::Start, Moment::Before);
    while insert(connection, run).await?.is_none() {
        lanes::number(connection, run.queue, run.workflow, run.version).await?;
    }
    reach(Transaction::Start, Moment::After);
    Ok(())
}

/// One statement for all of it. `None` when the lane has no number yet; nothing is written then.
async fn insert(
    connection: &mut PgConnection,
    run: &NewRun<'_>,
) -> Result<Option<()>, sqlx::Error> {
    let announced = sqlx::query!(
        "WITH lane AS (
            SELECT lane FROM workflows.lanes WHERE (queue, workflow, version) = ($8, $2, $3)),
         run AS (
            INSERT INTO workflows.runs
                (run_id, workflow, version, subject, fairness_key, priority, trace_parent, input)
            SELECT $1, $2, $3, $4, $5, $6, $7, $10 FROM lane
            RETURNING run_id, created_at),
         task AS (
            INSERT INTO workflows.tasks (task_id, run_id, lane, key, rank, step, input)
            SELECT $11, run_id, lane, hashtextextended($5, 0),
                   (extract(epoch FROM created_at) * 1000000)::bigint + $6::bigint * 60000000, $9, $10
            FROM run, lane
            RETURNING lane, key, rank, task_id),
         ready AS (
            INSERT INTO workflows.ready (lane, key, rank, task_id)
            SELECT lane, key, rank, task_id FROM task
            RETURNING lane)
         SELECT pg_notify($12, $8) FROM ready",
        run.run_id,
        run.workflow,
        run.version,
        run.subject,
        run.fairness_key,
        run.priority,
        run.trace_parent,
        run.queue,
        run.step,
        run.input,
        Uuid::now_v7(),
        super::CHANNEL,
    )
    .fetch_optional(connection)
    .await?;
    Ok(announced.map(|_| ()))
}
