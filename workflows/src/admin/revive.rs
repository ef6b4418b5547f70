//! How a dead task lives again.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{AdminError, By};
use crate::store::{
    self,
    tasks::{self, Row},
};

/// What is needed to start a task of a letter.
pub(super) struct Open {
    pub letter_id: Uuid,
    pub run_id: Uuid,
    pub task_id: Uuid,
    pub step: String,
    pub input: Value,
    pub lane: i32,
    pub key: i64,
    pub rank: i64,
    pub fan_out_id: Option<Uuid>,
    pub child: Option<i32>,
}

/// Reads a letter under its run's lock.
pub(super) async fn open(tx: &mut PgConnection, letter_id: Uuid) -> Result<Open, AdminError> {
    sqlx::query_as!(
        Open,
        "SELECT letter_id, run_id, task_id, step, input, lane, key, rank, fan_out_id, child
         FROM workflows.dead_letters WHERE letter_id = $1 AND resolved_at IS NULL",
        letter_id,
    )
    .fetch_optional(tx)
    .await?
    .ok_or_else(|| AdminError::Conflict("the dead letter is resolved already".to_owned()))
}

/// Makes a dead task live again, under its run's lock.
pub(super) async fn again(
    tx: &mut PgConnection,
    letter: &Open,
    paused: bool,
    by: By<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE workflows.dead_letters
         SET resolved_at = now(), resolution = 'redriven', resolved_by = $2, reason = $3
         WHERE letter_id = $1",
        letter.letter_id,
        by.actor,
        by.reason,
    )
    .execute(&mut *tx)
    .await?;
    let row = Row {
        task_id: letter.task_id,
        run_id: letter.run_id,
        lane: letter.lane,
        key: letter.key,
        rank: letter.rank,
        step: &letter.step,
        input: &letter.input,
        child_of: letter.fan_out_id.zip(letter.child),
        ready: !paused,
    };
    set_going(tx, &row).await
}

/// Starts the letter's run again from a step that it has been through.
pub(super) async fn again_from(
    tx: &mut PgConnection,
    letter: &Open,
    step: &str,
    paused: bool,
    by: By<'_>,
) -> Result<(), AdminError> {
    let been = sqlx::query!(
        r#"SELECT input AS "input!", lane AS "lane!" FROM workflows.attempts
           WHERE run_id = $1 AND step = $2 AND outcome = 'done'
             AND input IS NOT NULL AND lane IS NOT NULL
           ORDER BY token DESC LIMIT 1"#,
        letter.run_id,
        step,
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(|| {
        AdminError::Conflict(format!(
            "the run cannot start again from {step}: it has not been through it"
        ))
    })?;
    tasks::clear(tx, letter.run_id, "redriven", (by.actor, by.reason)).await?;
    let row = Row {
        task_id: Uuid::now_v7(),
        run_id: letter.run_id,
        lane: been.lane,
        key: letter.key,
        rank: letter.rank,
        step,
        input: &been.input,
        child_of: None,
        ready: !paused,
    };
    set_going(tx, &row).await?;
    Ok(())
}

async fn set_going(tx: &mut PgConnection, row: &Row<'_>) -> Result<(), sqlx::Error> {
    let run_id = row.run_id;
    tasks::insert(tx, std::slice::from_ref(row)).await?;
    let queues = sqlx::query_scalar!(
        r#"WITH going AS (
            UPDATE workflows.runs r SET state = 'running' WHERE run_id = $1 AND state = 'dead'
            AND NOT EXISTS (SELECT FROM workflows.dead_letters d
                            WHERE d.run_id = r.run_id AND d.resolved_at IS NULL))
         SELECT queue FROM workflows.lanes WHERE lane = $2"#,
        run_id,
        row.lane,
    )
    .fetch_all(&mut *tx)
    .await?;
    store::notify(tx, &queues).await
}
