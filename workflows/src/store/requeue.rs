//! How what is dead or over lives again. All of it works on many runs at once, under their locks, and
//! no payload leaves the database.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::define::actor::Actor;
use crate::define::ids::{FencingToken, LaneId, LetterId, RunId, TaskId};
use crate::store::error::StoreError;

/// What became of letters.
#[derive(Debug, Default)]
pub(crate) struct Revived {
    /// Letters that were still open.
    pub letters: i64,
    /// Queues to tell.
    pub queues: Vec<String>,
}

/// Makes the dead tasks of open letters live again, with all their attempts. One that died of crashes
/// is under suspicion from the start, so that it takes no other along if it is not mended.
pub(crate) async fn letters(
    tx: &mut PgConnection,
    letters: &[LetterId],
    by: Actor<'_>,
) -> Result<Revived, StoreError> {
    let revived = sqlx::query!(
        r#"WITH resolved AS (
            UPDATE workflows.dead_letters
            SET resolved_at = now(), resolution = 'redriven', resolved_by = $2, reason = $3
            WHERE letter_id = ANY($1) AND resolved_at IS NULL
            RETURNING *),
         task AS (
            INSERT INTO workflows.tasks
                (task_id, run_id, lane, key, rank, fan_out_id, child, input, token, suspicion)
            SELECT task_id, run_id, lane, key, rank, fan_out_id, child, input, token,
                   (cause = 'crashes')::int::smallint
            FROM resolved
            RETURNING task_id, run_id, lane, key, rank, suspicion),
         free AS (
            SELECT task.* FROM task JOIN workflows.runs USING (run_id) WHERE paused_at IS NULL),
         ready AS (
            INSERT INTO workflows.ready (lane, key, rank, task_id)
            SELECT lane, key, rank, task_id FROM free WHERE suspicion = 0),
         suspects AS (
            INSERT INTO workflows.suspects (lane, rank, task_id, suspicion)
            SELECT lane, rank, task_id, suspicion FROM free WHERE suspicion > 0),
         told AS (
            INSERT INTO workflows.events (run_id, workflow, subject, kind, details)
            SELECT r.run_id, r.workflow, r.subject, 'redriven',
                   json_build_object('step', l.step, 'by', $2::text)
            FROM resolved d JOIN workflows.lanes l USING (lane) JOIN workflows.runs r ON r.run_id = d.run_id
            WHERE l.events <> 'none'),
         going_on AS (
            UPDATE workflows.runs r SET state = 'running'
            WHERE run_id IN (SELECT run_id FROM resolved) AND state = 'dead'
              AND NOT EXISTS (SELECT FROM workflows.dead_letters d WHERE d.run_id = r.run_id
                              AND d.resolved_at IS NULL AND d.letter_id <> ALL($1)))
         SELECT (SELECT count(*) FROM resolved) AS "letters!",
                ARRAY(SELECT DISTINCT queue FROM free JOIN workflows.lanes USING (lane)) AS "queues!""#,
        letters as &[LetterId],
        by.name,
        by.reason,
    )
    .fetch_one(tx)
    .await?;
    Ok(Revived {
        letters: revived.letters,
        queues: revived.queues,
    })
}

/// Where a run starts again, and where its input for that is kept: with an attempt, with a letter, or
/// with the run itself.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub run_id: RunId,
    lane: LaneId,
    attempt: Option<FencingToken>,
    letter: Option<LetterId>,
}

/// The entries at a step of those of the runs that have been through it or died at it. The children
/// of a fan-out are none: their join would not know what to wait for.
pub(crate) async fn entries(
    tx: &mut PgConnection,
    runs: &[RunId],
    step: &str,
) -> Result<Vec<Entry>, StoreError> {
    Ok(sqlx::query_as!(
        Entry,
        r#"SELECT DISTINCT ON (run_id) run_id AS "run_id!", lane AS "lane!", attempt AS "attempt: FencingToken",
                  letter AS "letter: LetterId"
         FROM (
            SELECT run_id, lane, token, token AS attempt, NULL::uuid AS letter
            FROM workflows.attempts
            WHERE run_id = ANY($1) AND outcome = 'done' AND fan_out_id IS NULL AND input IS NOT NULL
            UNION ALL
            SELECT run_id, lane, token, NULL, letter_id
            FROM workflows.dead_letters
            WHERE run_id = ANY($1) AND fan_out_id IS NULL) been
         JOIN workflows.lanes USING (lane)
         WHERE step = $2
         ORDER BY run_id, token DESC"#,
        runs as &[RunId],
        step,
    )
    .fetch_all(tx)
    .await?)
}

/// The entry at a run's first step, and that step's name. A run that was cancelled before its first
/// attempt has it in its result.
pub(crate) async fn first_entry(
    tx: &mut PgConnection,
    run_id: RunId,
) -> Result<Option<(Entry, String)>, StoreError> {
    let first = sqlx::query!(
        r#"SELECT lane AS "lane!: LaneId", step AS "step!" FROM (
            SELECT lane, step, token AS place FROM (
                (SELECT lane, token FROM workflows.attempts
                 WHERE run_id = $1 AND fan_out_id IS NULL ORDER BY token LIMIT 1)
                UNION ALL
                SELECT lane, token FROM workflows.dead_letters WHERE run_id = $1 AND fan_out_id IS NULL) been
            JOIN workflows.lanes USING (lane)
            UNION ALL
            SELECT l.lane, l.step, 9223372036854775807
            FROM workflows.runs r JOIN workflows.lanes l
                ON (l.workflow, l.version) = (r.workflow, r.version) AND l.step = r.result -> 'steps' ->> 0
            WHERE r.run_id = $1 AND r.state = 'cancelled') known
         ORDER BY place LIMIT 1"#,
        run_id.0,
    )
    .fetch_optional(tx)
    .await?;
    Ok(first.map(|first| {
        let entry = Entry {
            run_id,
            lane: first.lane,
            attempt: None,
            letter: None,
        };
        (entry, first.step)
    }))
}

/// Starts runs again, of which nothing is left to do. Among the runs of its fairness key one that was dead
/// keeps its place, one that had ended goes last. Returns the queues to tell.
pub(crate) async fn restart(
    tx: &mut PgConnection,
    entries: &[Entry],
    by: Actor<'_>,
) -> Result<Vec<String>, StoreError> {
    let (mut runs, mut tasks, mut lanes) = (vec![], vec![], vec![]);
    let (mut attempts, mut letters) = (vec![], vec![]);
    for entry in entries {
        runs.push(entry.run_id);
        tasks.push(TaskId(Uuid::now_v7()));
        lanes.push(entry.lane);
        attempts.push(entry.attempt);
        letters.push(entry.letter);
    }
    Ok(sqlx::query_scalar!(
        r#"WITH entry AS (
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::bigint[], $5::uuid[])
                AS e (run_id, task_id, lane, attempt, letter_id)),
         task AS (
            INSERT INTO workflows.tasks (task_id, run_id, lane, key, rank, input, token)
            SELECT e.task_id, e.run_id, e.lane, workflows.fairness_hash(r.fairness_key),
                   workflows.task_rank(CASE WHEN r.ended_at IS NULL THEN r.created_at ELSE clock_timestamp() END,
                                       r.priority),
                   coalesce(a.input, d.input, r.input),
                   coalesce((SELECT max(token) FROM workflows.attempts h WHERE h.run_id = e.run_id), 0)
            FROM entry e JOIN workflows.runs r USING (run_id)
            LEFT JOIN workflows.attempts a ON (a.run_id, a.token) = (e.run_id, e.attempt)
            LEFT JOIN workflows.dead_letters d ON d.letter_id = e.letter_id
            RETURNING task_id, run_id, lane, key, rank),
         free AS (
            SELECT task.* FROM task JOIN workflows.runs USING (run_id) WHERE paused_at IS NULL),
         ready AS (
            INSERT INTO workflows.ready (lane, key, rank, task_id)
            SELECT lane, key, rank, task_id FROM free),
         told AS (
            INSERT INTO workflows.events (run_id, workflow, subject, kind, details)
            SELECT r.run_id, r.workflow, r.subject, 'restarted',
                   json_build_object('step', l.step, 'by', $6::text)
            FROM entry e JOIN workflows.lanes l USING (lane) JOIN workflows.runs r ON r.run_id = e.run_id
            WHERE l.events <> 'none'),
         going_on AS (
            UPDATE workflows.runs SET state = 'running', ended_at = NULL, result = NULL
            WHERE run_id = ANY($1))
         SELECT DISTINCT queue FROM free JOIN workflows.lanes USING (lane)"#,
        &runs as &[RunId],
        &tasks as &[TaskId],
        &lanes as &[LaneId],
        &attempts as &[Option<FencingToken>],
        &letters as &[Option<LetterId>],
        by.name,
    )
    .fetch_all(tx)
    .await?)
}
