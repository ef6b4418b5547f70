//! Taking away what is left of runs.

use sqlx::PgConnection;

use crate::define::actor::Actor;
use crate::define::ids::{FencingToken, RunId};
use crate::protocol::{state::Resolution, stop::Stop};
use crate::store::error::StoreError;
use crate::store::lock;

/// The attempts of a run that were under way.
pub(crate) struct UnderWay {
    pub stop: Stop,
    pub attempts: i64,
}

/// Takes away all that is left of runs to do: tasks, fan-outs, open letters. Attempts under way lose
/// their leases, so they can write nothing any more; the history shows them as cancelled. Call under
/// the runs' locks.
pub(crate) async fn clear(
    tx: &mut PgConnection,
    runs: &[RunId],
    resolution: Resolution,
    by: Actor<'_>,
) -> Result<Vec<UnderWay>, StoreError> {
    lock::tasks_of(tx, runs).await?;
    let rows = sqlx::query!(
        r#"WITH left_over AS (DELETE FROM workflows.tasks WHERE run_id = ANY($1) RETURNING *),
         no_longer_ready AS (
            DELETE FROM workflows.ready r USING left_over t
            WHERE (r.lane, r.key, r.rank, r.task_id) = (t.lane, t.key, t.rank, t.task_id)),
         no_longer_suspect AS (
            DELETE FROM workflows.suspects s USING left_over t
            WHERE (s.lane, s.rank, s.task_id) = (t.lane, t.rank, t.task_id)),
         no_longer_deferred AS (
            DELETE FROM workflows.deferred d USING left_over t WHERE d.task_id = t.task_id),
         no_longer_leased AS (
            DELETE FROM workflows.leases l USING left_over t WHERE l.task_id = t.task_id
            RETURNING l.token, l.run_id, l.task_id, l.worker_id, l.started_at, t.lane, t.fan_out_id, t.child),
         recorded AS (
            INSERT INTO workflows.attempts
                (token, run_id, task_id, lane, fan_out_id, child, outcome, worker_id, started_at)
            SELECT token, run_id, task_id, lane, fan_out_id, child, 'cancelled', worker_id, started_at
            FROM no_longer_leased),
         no_longer_fanning_out AS (
            DELETE FROM workflows.fan_outs WHERE run_id = ANY($1)),
         resolved AS (
            UPDATE workflows.dead_letters
            SET resolved_at = now(), resolution = $2, resolved_by = $3, reason = $4
            WHERE run_id = ANY($1) AND resolved_at IS NULL)
         SELECT run_id AS "run_id: RunId", max(token) AS "newest!: FencingToken", count(*) AS "attempts!"
         FROM no_longer_leased GROUP BY run_id"#,
        runs as &[RunId],
        resolution.as_str(),
        by.name,
        by.reason,
    )
    .fetch_all(tx)
    .await?;
    let under_way = rows.into_iter().map(|row| UnderWay {
        stop: Stop {
            run_id: row.run_id,
            newest: row.newest,
        },
        attempts: row.attempts,
    });
    Ok(under_way.collect())
}
