//! Where the live tasks of a run are, for people.

use crate::define::ids::{FairnessHash, LaneId, Rank, RunId, TaskId, WorkerId};
use crate::store::error::StoreError;
use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// A live task and all that is known of where it is.
pub(crate) struct LiveTask {
    pub task_id: TaskId,
    pub child: Option<i32>,
    pub errors: i32,
    pub ready_at: DateTime<Utc>,
    pub lane: LaneId,
    pub fairness_hash: FairnessHash,
    pub rank: Rank,
    pub queue: String,
    pub workflow: String,
    pub version: i32,
    pub step: String,
    pub worker_id: Option<WorkerId>,
    pub since: Option<DateTime<Utc>>,
    pub lease_until: Option<DateTime<Utc>>,
    pub expired: bool,
    pub worker: String,
    pub build: String,
    pub seen_at: Option<DateTime<Utc>>,
    pub due_at: Option<DateTime<Utc>>,
    pub overdue: bool,
    pub suspect: bool,
    pub done: Option<f64>,
    pub note: Option<String>,
    pub told_at: Option<DateTime<Utc>>,
    pub error: Option<String>,
}

/// The live tasks of a run, those that are running first, at most `limit`.
pub(crate) async fn of_run(
    pool: &PgPool,
    run_id: RunId,
    limit: i64,
) -> Result<Vec<LiveTask>, StoreError> {
    Ok(sqlx::query_as!(
        LiveTask,
        r#"SELECT t.task_id, t.child, t.errors, t.ready_at, t.lane, t.key AS fairness_hash, t.rank,
                  n.queue, n.workflow, n.version, n.step,
                  l.worker_id AS "worker_id?: WorkerId", l.started_at AS "since?", l.expires_at AS "lease_until?",
                  coalesce(l.expires_at < clock_timestamp(), false) AS "expired!",
                  coalesce(w.name, 'worker ' || l.worker_id, '') AS "worker!", coalesce(w.build, '') AS "build!",
                  w.seen_at AS "seen_at?", d.due_at AS "due_at?",
                  coalesce(d.due_at < clock_timestamp(), false) AS "overdue!",
                  s.task_id IS NOT NULL AS "suspect!",
                  p.done AS "done?", p.note AS "note?", p.at AS "told_at?",
                  (SELECT left(a.error::text, 65536) FROM workflows.attempts a
                   WHERE (a.run_id, a.task_id, a.lane) = (t.run_id, t.task_id, t.lane) AND a.error IS NOT NULL
                   ORDER BY a.token DESC LIMIT 1) AS "error?"
           FROM workflows.tasks t
           JOIN workflows.lanes n USING (lane)
           LEFT JOIN workflows.leases l ON l.task_id = t.task_id
           LEFT JOIN workflows.workers w ON w.worker_id = l.worker_id
           LEFT JOIN workflows.deferred d ON d.task_id = t.task_id
           LEFT JOIN workflows.suspects s ON (s.lane, s.rank, s.task_id) = (t.lane, t.rank, t.task_id)
           LEFT JOIN workflows.progress p ON (p.task_id, p.token) = (l.task_id, l.token)
           WHERE t.run_id = $1
           ORDER BY (l.task_id IS NULL), t.child NULLS FIRST, t.task_id LIMIT $2"#,
        run_id.0,
        limit,
    )
    .fetch_all(pool)
    .await?)
}

/// What is before a task in its queue.
pub(crate) struct Ahead {
    /// Tasks of the same fairness key that go first.
    pub ahead: i64,
    /// Fairness keys that take turns.
    pub keys: i64,
}

/// What is before a ready task, counted up to `most`.
pub(crate) async fn ahead(pool: &PgPool, task: &LiveTask, most: i64) -> Result<Ahead, StoreError> {
    Ok(sqlx::query_as!(
        Ahead,
        r#"SELECT (SELECT count(*) FROM (
                    SELECT FROM workflows.ready r
                    WHERE r.lane = $1 AND r.key = $2 AND r.rank < $3 LIMIT $4) ahead) AS "ahead!",
                  (SELECT count(DISTINCT key) FROM (
                    SELECT r.key FROM workflows.ready r WHERE r.lane = $1 LIMIT $4) keys) AS "keys!""#,
        task.lane.0,
        task.fairness_hash.0,
        task.rank.0,
        most,
    )
    .fetch_one(pool)
    .await?)
}

/// How many suspects of the same step go first, counted up to `most`.
pub(crate) async fn suspects_ahead(
    pool: &PgPool,
    task: &LiveTask,
    most: i64,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "ahead!" FROM (
            SELECT FROM workflows.suspects
            WHERE lane = $1 AND (rank, task_id) < ($2, $3) LIMIT $4) ahead"#,
        task.lane.0,
        task.rank.0,
        task.task_id.0,
        most,
    )
    .fetch_one(pool)
    .await?)
}
