//! How tasks leave a worker, and runs end.

use sqlx::PgConnection;

use crate::define::ids::{FencingToken, LaneId, RunId, TaskId};
use crate::store::error::StoreError;
use crate::{
    define::payload::Payload,
    store::{effects::Effects, tasks},
};

impl Effects<'_> {
    pub(super) async fn defer(&self, tx: &mut PgConnection) -> Result<(), StoreError> {
        if self.deferred.is_empty() {
            return Ok(());
        }
        let ids: Vec<TaskId> = self.deferred.iter().map(|d| d.0).collect();
        let delays: Vec<f64> = self.deferred.iter().map(|d| d.1).collect();
        let tokens: Vec<FencingToken> = self.deferred.iter().map(|d| d.2).collect();
        let errors: Vec<i32> = self.deferred.iter().map(|d| d.3).collect();
        // The tasks of a paused run are nowhere; going on makes them ready at once. Whoever comes
        // to the end of an attempt has not killed the process.
        sqlx::query!(
            "WITH failed AS (
                UPDATE workflows.tasks t SET errors = t.errors + d.errors, token = d.token, suspicion = 0
                FROM unnest($1::uuid[], $2::float8[], $3::bigint[], $4::int[])
                         AS d (task_id, delay, token, errors),
                     workflows.runs r
                WHERE t.task_id = d.task_id AND r.run_id = t.run_id
                RETURNING t.task_id, d.delay, r.paused_at)
             INSERT INTO workflows.deferred (due_at, task_id)
             SELECT clock_timestamp() + make_interval(secs => delay), task_id FROM failed
             WHERE paused_at IS NULL",
            &ids as &[TaskId],
            &delays,
            &tokens as &[FencingToken],
            &errors,
        )
        .execute(tx)
        .await?;
        Ok(())
    }

    /// As with those that failed, the tasks of a paused run are nowhere.
    pub(super) async fn sleep(&self, tx: &mut PgConnection) -> Result<(), StoreError> {
        if self.sleeping.is_empty() {
            return Ok(());
        }
        let (tasks, times): (Vec<TaskId>, Vec<f64>) = self.sleeping.iter().copied().unzip();
        sqlx::query!(
            "INSERT INTO workflows.deferred (due_at, task_id)
             SELECT clock_timestamp() + make_interval(secs => s.time), t.task_id
             FROM unnest($1::uuid[], $2::float8[]) AS s (task_id, time)
             JOIN workflows.tasks t USING (task_id) JOIN workflows.runs r USING (run_id)
             WHERE r.paused_at IS NULL",
            &tasks as &[TaskId],
            &times,
        )
        .execute(tx)
        .await?;
        Ok(())
    }

    pub(super) async fn hand_back(&self, tx: &mut PgConnection) -> Result<Vec<LaneId>, StoreError> {
        if self.handed_back.is_empty() {
            return Ok(Vec::new());
        }
        let (tasks, tokens): (Vec<TaskId>, Vec<FencingToken>) =
            self.handed_back.iter().copied().unzip();
        sqlx::query!(
            "UPDATE workflows.tasks t SET interruptions = t.interruptions + 1, token = back.token
             FROM unnest($1::uuid[], $2::bigint[]) AS back (task_id, token)
             WHERE t.task_id = back.task_id",
            &tasks as &[TaskId],
            &tokens as &[FencingToken],
        )
        .execute(&mut *tx)
        .await?;
        tasks::make_ready(tx, &tasks).await
    }

    pub(super) async fn end_runs(&self, tx: &mut PgConnection) -> Result<(), StoreError> {
        if self.ended.is_empty() {
            return Ok(());
        }
        let (ids, results): (Vec<RunId>, Vec<String>) = self
            .ended
            .iter()
            .map(|(run, result)| (*run, result.as_str().to_owned()))
            .unzip();
        sqlx::query!(
            "UPDATE workflows.runs r
             SET state = 'succeeded', result = e.result::json, ended_at = now(),
                 paused_at = NULL, paused_by = NULL, pause_reason = NULL
             FROM unnest($1::uuid[], $2::text[]) AS e (run_id, result)
             WHERE r.run_id = e.run_id",
            &ids as &[RunId],
            &results,
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}

/// Ends a run by its input's fault.
pub(super) async fn reject(
    tx: &mut PgConnection,
    run_id: RunId,
    result: &Payload,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE workflows.runs
         SET state = 'rejected', result = $2::text::json, ended_at = now(),
             paused_at = NULL, paused_by = NULL, pause_reason = NULL
         WHERE run_id = $1",
        run_id.0,
        result.as_str(),
    )
    .execute(tx)
    .await?;
    Ok(())
}
