//! A run and its first task.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::define::ids::{LaneId, RunId};
use crate::store::error::StoreError;
use crate::{
    define::payload::Payload,
    protocol::failpoints::{Failpoint, Side, reach},
    store::{events, lanes},
};

pub(crate) struct NewRun<'a> {
    pub run_id: RunId,
    pub workflow: &'a str,
    pub version: i32,
    pub subject: Uuid,
    pub fairness_key: &'a str,
    pub priority: i16,
    pub trace_parent: Option<&'a str>,
    pub unique_key: Option<&'a str>,
    /// How long after now the first step is due.
    pub delay: Duration,
    pub step: &'a str,
    pub queue: &'a str,
    pub input: &'a Payload,
    /// The start is an event, whatever the lane says.
    pub tells: bool,
}

/// What was started.
pub(crate) struct Inserted {
    pub run_id: RunId,
    /// Where its first task waits, and the transaction with whose commit it does.
    pub lane: LaneId,
    pub transaction: i64,
    /// It is an earlier run, which has the same unique key and has not ended.
    pub existing: bool,
}

pub(crate) async fn insert_run(
    connection: &mut PgConnection,
    run: &NewRun<'_>,
) -> Result<Inserted, StoreError> {
    reach(Failpoint::Start, Side::Before);
    let inserted = loop {
        if let Some(inserted) = insert(connection, run).await? {
            break inserted;
        }
        // It has the key, or the lane has no number yet.
        if let Some(inserted) = existing(connection, run).await? {
            break inserted;
        }
        lanes::number(connection, run.workflow, run.version, run.step, run.queue).await?;
    };
    reach(Failpoint::Start, Side::After);
    Ok(inserted)
}

/// One statement for all of it. `None`, and nothing is written, when the lane has no number yet or
/// another run has the unique key.
async fn insert(
    connection: &mut PgConnection,
    run: &NewRun<'_>,
) -> Result<Option<Inserted>, StoreError> {
    let inserted = sqlx::query!(
        r#"WITH lane AS (
            SELECT lane, events <> 'none' AS tells FROM workflows.lanes
            WHERE (workflow, version, step) = ($2, $3, $9)),
         run AS (
            INSERT INTO workflows.runs
                (run_id, workflow, version, subject, fairness_key, priority, trace_parent, unique_key, input)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $10::text::json FROM lane
            ON CONFLICT (workflow, unique_key) WHERE unique_key IS NOT NULL AND ended_at IS NULL DO NOTHING
            RETURNING run_id, created_at),
         task AS (
            INSERT INTO workflows.tasks (task_id, run_id, lane, key, rank, input)
            SELECT $11, run_id, lane, workflows.fairness_hash($5), workflows.task_rank(created_at, $6),
                   $10::text::json
            FROM run, lane
            RETURNING lane, key, rank, task_id),
         ready AS (
            INSERT INTO workflows.ready (lane, key, rank, task_id)
            SELECT lane, key, rank, task_id FROM task WHERE $12::float8 = 0),
         deferred AS (
            INSERT INTO workflows.deferred (due_at, task_id)
            SELECT now() + make_interval(secs => $12), task_id FROM task WHERE $12 > 0)
         SELECT task.lane AS "lane: LaneId", tells AS "tells!", pg_current_xact_id()::text::bigint AS "transaction!"
         FROM task, lane"#,
        run.run_id.0,
        run.workflow,
        run.version,
        run.subject,
        run.fairness_key,
        run.priority,
        run.trace_parent,
        run.unique_key,
        run.step,
        run.input.as_str(),
        Uuid::now_v7(),
        run.delay.as_secs_f64(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    if inserted.as_ref().is_some_and(|row| row.tells || run.tells) {
        events::started(connection, run.run_id, run.workflow, run.subject).await?;
    }
    Ok(inserted.map(|row| Inserted {
        run_id: run.run_id,
        lane: row.lane,
        transaction: row.transaction,
        existing: false,
    }))
}

/// The run that has the unique key.
async fn existing(
    connection: &mut PgConnection,
    run: &NewRun<'_>,
) -> Result<Option<Inserted>, StoreError> {
    let Some(key) = run.unique_key else {
        return Ok(None);
    };
    let found = sqlx::query_scalar!(
        r#"SELECT run_id AS "run_id: RunId" FROM workflows.runs
           WHERE workflow = $1 AND unique_key = $2 AND ended_at IS NULL"#,
        run.workflow,
        key,
    );
    Ok(found
        .fetch_optional(connection)
        .await?
        .map(|run_id| Inserted {
            run_id,
            lane: LaneId::default(),
            transaction: 0,
            existing: true,
        }))
}
