//! Runs, as people read and change them.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::define::ids::{RunId, TaskId};
use crate::store::error::StoreError;
use crate::{define::actor::Actor, protocol::state::RunState, store::lock};

pub(crate) struct Row {
    pub run_id: RunId,
    pub workflow: String,
    pub version: i32,
    pub subject: Uuid,
    pub fairness_key: String,
    pub priority: i16,
    pub state: RunState,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub result: Option<String>,
    pub paused_at: Option<DateTime<Utc>>,
    pub paused_by: Option<String>,
    pub pause_reason: Option<String>,
}

/// Which runs. What is `None` does not matter.
pub(crate) struct Filter<'a> {
    pub workflow: Option<&'a str>,
    pub state: Option<RunState>,
    pub fairness_key: Option<&'a str>,
    pub subject: Option<Uuid>,
}

/// The newest `limit` runs that were started before the run `before`, without their results.
pub(crate) async fn list(
    pool: &PgPool,
    filter: &Filter<'_>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    Ok(sqlx::query_as!(
        Row,
        r#"SELECT run_id, workflow, version, subject, fairness_key, priority,
                  state AS "state: RunState", created_at, ended_at,
                  NULL AS "result: String", paused_at, paused_by, pause_reason
           FROM workflows.runs
           WHERE ($1::text IS NULL OR workflow = $1) AND ($2::text IS NULL OR state = $2)
             AND ($3::text IS NULL OR fairness_key = $3) AND ($4::uuid IS NULL OR subject = $4)
             AND ($5::uuid IS NULL OR run_id < $5)
           ORDER BY run_id DESC LIMIT $6"#,
        filter.workflow,
        filter.state.map(RunState::as_str),
        filter.fairness_key,
        filter.subject,
        before,
        limit,
    )
    .fetch_all(pool)
    .await?)
}

pub(crate) async fn get(pool: &PgPool, run_id: RunId) -> Result<Option<Row>, StoreError> {
    Ok(sqlx::query_as!(
        Row,
        r#"SELECT run_id, workflow, version, subject, fairness_key, priority,
                  state AS "state: RunState", created_at, ended_at,
                  result::text AS result, paused_at, paused_by, pause_reason
           FROM workflows.runs WHERE run_id = $1"#,
        run_id.0,
    )
    .fetch_optional(pool)
    .await?)
}

/// The run with this id, or the one about this subject: of several the one that has not ended, or else
/// one that did not succeed, or else the newest.
pub(crate) async fn about(pool: &PgPool, id: Uuid) -> Result<Option<RunId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT run_id AS "run_id: RunId" FROM workflows.runs WHERE run_id = $1 OR subject = $1
           ORDER BY run_id = $1 DESC, ended_at IS NULL DESC, state <> 'succeeded' DESC, run_id DESC LIMIT 1"#,
        id,
    )
    .fetch_optional(pool)
    .await?)
}

/// A run under its lock.
pub(crate) struct Locked {
    pub state: RunState,
    pub paused_at: Option<DateTime<Utc>>,
}

/// Reads a run that this transaction has locked.
pub(crate) async fn locked(
    tx: &mut PgConnection,
    run_id: RunId,
) -> Result<Option<Locked>, StoreError> {
    Ok(sqlx::query_as!(
        Locked,
        r#"SELECT state AS "state: RunState", paused_at FROM workflows.runs WHERE run_id = $1"#,
        run_id.0
    )
    .fetch_optional(tx)
    .await?)
}

/// What a run is about.
pub(crate) struct About {
    pub run_id: RunId,
    pub workflow: String,
    pub version: i32,
    pub subject: Uuid,
    pub state: RunState,
}

/// What runs are about, in the order of their ids.
pub(crate) async fn subjects(
    tx: &mut PgConnection,
    runs: &[RunId],
) -> Result<Vec<About>, StoreError> {
    Ok(sqlx::query_as!(
        About,
        r#"SELECT run_id, workflow, version, subject, state AS "state: RunState" FROM workflows.runs
           WHERE run_id = ANY($1) ORDER BY run_id"#,
        runs as &[RunId],
    )
    .fetch_all(tx)
    .await?)
}

/// Pauses a locked run: its tasks that are not leased are taken out of the tables of what can be claimed.
pub(crate) async fn pause(
    tx: &mut PgConnection,
    run_id: RunId,
    by: Actor<'_>,
) -> Result<(), StoreError> {
    lock::tasks_of(tx, &[run_id]).await?;
    sqlx::query!(
        "WITH held AS (SELECT * FROM workflows.tasks WHERE run_id = $1),
         no_longer_ready AS (
            DELETE FROM workflows.ready r USING held t
            WHERE (r.lane, r.key, r.rank, r.task_id) = (t.lane, t.key, t.rank, t.task_id)),
         no_longer_suspect AS (
            DELETE FROM workflows.suspects s USING held t
            WHERE (s.lane, s.rank, s.task_id) = (t.lane, t.rank, t.task_id)),
         no_longer_deferred AS (
            DELETE FROM workflows.deferred d USING held t WHERE d.task_id = t.task_id)
         UPDATE workflows.runs SET paused_at = now(), paused_by = $2, pause_reason = $3
         WHERE run_id = $1",
        run_id.0,
        by.name,
        by.reason,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Lets a locked run go on. Returns its tasks that are not leased.
pub(crate) async fn resume(
    tx: &mut PgConnection,
    run_id: RunId,
) -> Result<Vec<TaskId>, StoreError> {
    sqlx::query!(
        "UPDATE workflows.runs SET paused_at = NULL, paused_by = NULL, pause_reason = NULL
         WHERE run_id = $1",
        run_id.0,
    )
    .execute(&mut *tx)
    .await?;
    Ok(sqlx::query_scalar!(
        r#"SELECT task_id AS "task_id: TaskId" FROM workflows.tasks t WHERE run_id = $1
           AND NOT EXISTS (SELECT FROM workflows.leases l WHERE l.task_id = t.task_id)"#,
        run_id.0,
    )
    .fetch_all(tx)
    .await?)
}

/// Marks locked runs cancelled, before what is left of them is taken away.
pub(crate) async fn cancel(
    tx: &mut PgConnection,
    runs: &[RunId],
    by: Actor<'_>,
) -> Result<(), StoreError> {
    // Where a run was is part of its result: without an attempt it is not in the history.
    sqlx::query!(
        "WITH ended AS (
         UPDATE workflows.runs r
         SET state = 'cancelled', ended_at = now(), paused_at = NULL, paused_by = NULL, pause_reason = NULL,
             result = json_build_object('cancelled_by', $2::text, 'reason', $3::text, 'steps', ARRAY(
                 SELECT DISTINCT step FROM (
                     SELECT lane FROM workflows.tasks t WHERE t.run_id = r.run_id
                     UNION ALL
                     SELECT lane FROM workflows.dead_letters d
                     WHERE d.run_id = r.run_id AND d.resolved_at IS NULL) place
                 JOIN workflows.lanes USING (lane) ORDER BY step))
         WHERE run_id = ANY($1)
         RETURNING run_id, workflow, version, subject)
         INSERT INTO workflows.events (run_id, workflow, subject, kind, details)
         SELECT run_id, workflow, subject, 'cancelled', json_build_object('by', $2::text, 'reason', $3::text)
         FROM ended e
         WHERE EXISTS (SELECT FROM workflows.lanes l
                       WHERE (l.workflow, l.version) = (e.workflow, e.version) AND l.events <> 'none')",

        runs as &[RunId],
        by.name,
        by.reason,
    )
    .execute(tx)
    .await?;
    Ok(())
}
