//! What long steps say of themselves: progress and checkpoints. Each is fenced by the token of the
//! attempt that writes it.

use sqlx::PgConnection;

use crate::define::ids::{FencingToken, LaneId, TaskId};
use crate::define::{payload::Payload, reports::Stored};
use crate::store::error::StoreError;

/// The last word of some attempts, one of each task.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub tasks: Vec<TaskId>,
    pub tokens: Vec<FencingToken>,
    pub done: Vec<f64>,
    pub notes: Vec<String>,
}

/// Notes how far attempts are, of those that hold their leases.
pub(crate) async fn tell(connection: &mut PgConnection, told: &Told) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO workflows.progress AS p (task_id, token, done, note)
         SELECT t.task_id, t.token, t.done, t.note
         FROM unnest($1::uuid[], $2::bigint[], $3::float8[], $4::text[]) AS t (task_id, token, done, note)
         JOIN workflows.leases l ON (l.task_id, l.token) = (t.task_id, t.token)
         ORDER BY t.task_id
         ON CONFLICT (task_id) DO UPDATE
         SET token = excluded.token, done = excluded.done, note = excluded.note, at = excluded.at
         WHERE p.token <= excluded.token",
        &told.tasks as &[TaskId],
        &told.tokens as &[FencingToken],
        &told.done,
        &told.notes,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Stores from where the task's next attempt can go on. The lease is held still meanwhile: nobody
/// can have taken the task when this is committed.
pub(crate) async fn store(
    connection: &mut PgConnection,
    (task_id, lane, token): (TaskId, LaneId, FencingToken),
    state: &Payload,
) -> Result<Stored, StoreError> {
    let row = sqlx::query!(
        r#"WITH held AS MATERIALIZED (
            SELECT task_id, token FROM workflows.leases
            WHERE task_id = $1 AND token = $2 FOR SHARE SKIP LOCKED),
         stored AS (
            INSERT INTO workflows.checkpoints AS c (task_id, lane, token, state)
            SELECT task_id, $3, token, $4::text::json FROM held
            ON CONFLICT (task_id) DO UPDATE
            SET lane = excluded.lane, token = excluded.token, state = excluded.state, at = excluded.at
            WHERE c.token <= excluded.token
            RETURNING 1)
         SELECT EXISTS (SELECT FROM stored) AS "stored!",
                EXISTS (SELECT FROM workflows.leases WHERE task_id = $1 AND token = $2) AS "held!""#,
        task_id.0,
        token.0,
        lane.0,
        state.as_str(),
    )
    .fetch_one(connection)
    .await?;
    Ok(match (row.stored, row.held) {
        (true, _) => Stored::Yes,
        (false, true) => Stored::Busy,
        (false, false) => Stored::Lost,
    })
}

/// What an earlier attempt of the task has stored at this step.
pub(crate) async fn restore(
    connection: &mut PgConnection,
    task_id: TaskId,
    lane: LaneId,
) -> Result<Option<Payload>, StoreError> {
    let state = sqlx::query_scalar!(
        r#"SELECT state::text AS "state!" FROM workflows.checkpoints WHERE task_id = $1 AND lane = $2"#,
        task_id.0,
        lane.0,
    );
    let state: Option<String> = state.fetch_optional(connection).await?;
    Ok(state.map(Payload::stored))
}

/// Removes what these tasks, or all, have no more use for: progress of attempts that have ended,
/// checkpoints of steps that are behind. Those of dead letters stay while they are open.
pub(crate) async fn tidy(
    connection: &mut PgConnection,
    tasks: Option<&[TaskId]>,
) -> Result<(), StoreError> {
    // By token as well: what was written again since this statement began stays.
    sqlx::query!(
        "WITH ended AS MATERIALIZED (
            SELECT p.task_id, p.token FROM workflows.progress p
            WHERE ($1::uuid[] IS NULL OR p.task_id = ANY($1))
              AND NOT EXISTS (SELECT FROM workflows.leases l
                              WHERE (l.task_id, l.token) = (p.task_id, p.token))),
         behind AS MATERIALIZED (
            SELECT c.task_id, c.token FROM workflows.checkpoints c
            WHERE ($1::uuid[] IS NULL OR c.task_id = ANY($1))
              AND NOT EXISTS (SELECT FROM workflows.tasks t
                              WHERE t.task_id = c.task_id AND t.lane = c.lane)
              AND NOT EXISTS (SELECT FROM workflows.dead_letters d
                              WHERE d.task_id = c.task_id AND d.lane = c.lane AND d.resolved_at IS NULL)),
         no_progress AS (
            DELETE FROM workflows.progress p USING ended
            WHERE (p.task_id, p.token) = (ended.task_id, ended.token))
         DELETE FROM workflows.checkpoints c USING behind
         WHERE (c.task_id, c.token) = (behind.task_id, behind.token)",
        tasks as Option<&[TaskId]>,
    )
    .execute(connection)
    .await?;
    Ok(())
}
