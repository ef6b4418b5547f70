//! Tasks coming and going between the queue's tables.

use sqlx::PgConnection;

use crate::define::ids::{FairnessHash, FanOutId, FencingToken, LaneId, Rank, RunId, TaskId};
use crate::define::payload::Payload;
use crate::protocol::state::Resolution;
use crate::store::error::StoreError;
use crate::store::lock;

/// A task to write.
pub(crate) struct Row<'a> {
    pub task_id: TaskId,
    pub run_id: RunId,
    pub lane: LaneId,
    pub fairness_hash: FairnessHash,
    pub rank: Rank,
    pub input: &'a Payload,
    /// The fan-out it is a child of, and its number there.
    pub child_of: Option<(FanOutId, i32)>,
    /// Token of its last attempt, or 0.
    pub token: FencingToken,
    /// Claimable. The tasks of a paused run are not, nor those whose worker goes on with them.
    pub ready: bool,
}

/// Columns for `unnest`.
#[derive(Default)]
struct Columns {
    ids: Vec<TaskId>,
    runs: Vec<RunId>,
    lanes: Vec<LaneId>,
    fairness_hashes: Vec<FairnessHash>,
    ranks: Vec<Rank>,
    inputs: Vec<String>,
    fan_outs: Vec<Option<FanOutId>>,
    children: Vec<Option<i32>>,
    tokens: Vec<FencingToken>,
    ready: Vec<bool>,
}

impl Columns {
    fn of(rows: &[Row<'_>]) -> Self {
        let mut columns = Self::default();
        for row in rows {
            columns.ids.push(row.task_id);
            columns.runs.push(row.run_id);
            columns.lanes.push(row.lane);
            columns.fairness_hashes.push(row.fairness_hash);
            columns.ranks.push(row.rank);
            columns.inputs.push(row.input.as_str().to_owned());
            let (fan_out, child) = row.child_of.unzip();
            columns.fan_outs.push(fan_out);
            columns.children.push(child);
            columns.tokens.push(row.token);
            columns.ready.push(row.ready);
        }
        columns
    }
}

/// Inserts tasks that can be claimed at once.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    tasks: &[Row<'_>],
) -> Result<(), StoreError> {
    if tasks.is_empty() {
        return Ok(());
    }
    let columns = Columns::of(tasks);
    sqlx::query!(
        "WITH new AS (
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::bigint[], $5::bigint[],
                                 $6::text[], $7::uuid[], $8::int[], $9::bigint[], $10::bool[])
                AS t (task_id, run_id, lane, key, rank, input, fan_out_id, child, token, ready)),
         task AS (
            INSERT INTO workflows.tasks (task_id, run_id, lane, key, rank, input, fan_out_id, child, token)
            SELECT task_id, run_id, lane, key, rank, input::json, fan_out_id, child, token FROM new)
         INSERT INTO workflows.ready (lane, key, rank, task_id)
         SELECT lane, key, rank, task_id FROM new WHERE ready",
        &columns.ids as &[TaskId],
        &columns.runs as &[RunId],
        &columns.lanes as &[LaneId],
        &columns.fairness_hashes as &[FairnessHash],
        &columns.ranks as &[Rank],
        &columns.inputs,
        &columns.fan_outs as &[Option<FanOutId>],
        &columns.children as &[Option<i32>],
        &columns.tokens as &[FencingToken],
        &columns.ready,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves tasks whose leases were ended on to their next step. No index changes, so Postgres can
/// update the rows where they are.
pub(crate) async fn advance(
    connection: &mut PgConnection,
    tasks: &[Row<'_>],
) -> Result<(), StoreError> {
    if tasks.is_empty() {
        return Ok(());
    }
    let columns = Columns::of(tasks);
    sqlx::query!(
        "WITH new AS (
            SELECT * FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[],
                                 $5::text[], $6::bigint[], $7::bool[])
                AS t (task_id, lane, key, rank, input, token, ready)),
         moved AS (
            UPDATE workflows.tasks t
            SET lane = new.lane, input = new.input::json, token = new.token,
                ready_at = clock_timestamp(), errors = 0, crashes = 0, interruptions = 0, suspicion = 0
            FROM new WHERE t.task_id = new.task_id)
         INSERT INTO workflows.ready (lane, key, rank, task_id)
         SELECT lane, key, rank, task_id FROM new WHERE ready",
        &columns.ids as &[TaskId],
        &columns.lanes as &[LaneId],
        &columns.fairness_hashes as &[FairnessHash],
        &columns.ranks as &[Rank],
        &columns.inputs,
        &columns.tokens as &[FencingToken],
        &columns.ready,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes live tasks claimable that are nowhere else, but for those of paused runs. Returns their
/// lanes.
pub(crate) async fn make_ready(
    connection: &mut PgConnection,
    tasks: &[TaskId],
) -> Result<Vec<LaneId>, StoreError> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_scalar!(
        r#"WITH back AS (
            UPDATE workflows.tasks t SET ready_at = clock_timestamp()
            FROM workflows.runs r
            WHERE t.task_id = ANY($1) AND r.run_id = t.run_id AND r.paused_at IS NULL
            RETURNING t.lane, t.key, t.rank, t.task_id, t.suspicion),
         ready AS (
            INSERT INTO workflows.ready (lane, key, rank, task_id)
            SELECT lane, key, rank, task_id FROM back WHERE suspicion = 0),
         suspect AS (
            INSERT INTO workflows.suspects (lane, rank, task_id, suspicion)
            SELECT lane, rank, task_id, suspicion FROM back WHERE suspicion > 0)
         SELECT lane AS "lane: LaneId" FROM back"#,
        tasks as &[TaskId],
    )
    .fetch_all(connection)
    .await?)
}

/// Removes finished tasks.
pub(crate) async fn delete(
    connection: &mut PgConnection,
    tasks: &[TaskId],
) -> Result<(), StoreError> {
    if !tasks.is_empty() {
        let delete = sqlx::query!(
            "DELETE FROM workflows.tasks WHERE task_id = ANY($1)",
            tasks as &[TaskId],
        );
        delete.execute(connection).await?;
    }
    Ok(())
}

/// Takes away all that is left of a run to do: tasks, fan-outs, open letters. Attempts under way
/// lose their leases, so they can write nothing any more; the history shows them as cancelled. Call
/// under the run's lock. Returns how many attempts were under way.
pub(crate) async fn clear(
    connection: &mut PgConnection,
    run_id: RunId,
    resolution: Resolution,
    (actor, reason): (&str, &str),
) -> Result<i64, StoreError> {
    lock::tasks_of(connection, &[run_id]).await?;
    Ok(sqlx::query_scalar!(
        r#"WITH left_over AS (DELETE FROM workflows.tasks WHERE run_id = $1 RETURNING *),
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
            RETURNING l.*, t.lane, t.fan_out_id, t.child),
         recorded AS (
            INSERT INTO workflows.attempts
                (token, run_id, task_id, lane, fan_out_id, child, outcome, worker_id, started_at)
            SELECT token, run_id, task_id, lane, fan_out_id, child, 'cancelled', worker_id, started_at
            FROM no_longer_leased),
         no_longer_fanning_out AS (
            DELETE FROM workflows.fan_outs WHERE run_id = $1),
         resolved AS (
            UPDATE workflows.dead_letters
            SET resolved_at = now(), resolution = $2, resolved_by = $3, reason = $4
            WHERE run_id = $1 AND resolved_at IS NULL)
         SELECT count(*) AS "running!" FROM no_longer_leased"#,
        run_id.0,
        resolution.as_str(),
        actor,
        reason,
    )
    .fetch_one(connection)
    .await?)
}
