//! Where the live tasks of a run are, and what each of them waits for.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::{
    AdminError, check,
    explain::{Answer, TaskAnswer},
    runs::RunEntry,
};

/// Of a run that is at many places at once, so many are looked at.
const TASKS: i64 = 200;
/// Nobody reads a place in a queue beyond this.
const COUNTED: i64 = 10_000;

/// The run's live tasks, those that are running first.
pub(super) async fn live_tasks(
    pool: &PgPool,
    run: &RunEntry,
) -> Result<Vec<TaskAnswer>, AdminError> {
    let builds = sqlx::query_scalar!("SELECT knows FROM workflows.workers WHERE left_at IS NULL");
    let builds: Vec<Value> = builds.fetch_all(pool).await?;
    let places = sqlx::query_as!(
        Place,
        r#"SELECT t.task_id, t.step, t.child, t.errors, t.ready_at, t.lane, t.key, t.rank,
                  n.queue, n.workflow, n.version,
                  l.started_at AS "since?", l.expires_at AS "lease_until?",
                  coalesce(w.name, 'worker ' || l.worker_id, '') AS "worker!", coalesce(w.build, '') AS "build!",
                  d.due_at AS "due_at?",
                  q.paused_at AS "paused_at?", coalesce(q.paused_by, '') AS "paused_by!",
                  coalesce(q.reason, '') AS "pause_reason!"
           FROM workflows.tasks t
           JOIN workflows.lanes n USING (lane)
           LEFT JOIN workflows.leases l ON l.task_id = t.task_id
           LEFT JOIN workflows.workers w ON w.worker_id = l.worker_id
           LEFT JOIN workflows.deferred d ON d.task_id = t.task_id
           LEFT JOIN workflows.queues q ON q.queue = n.queue
           WHERE t.run_id = $1
           ORDER BY (l.task_id IS NULL), t.child NULLS FIRST, t.task_id LIMIT $2"#,
        run.run_id,
        TASKS,
    )
    .fetch_all(pool)
    .await?;
    let mut tasks = Vec::with_capacity(places.len());
    for place in places {
        let answer = match place.held_back(run, &builds) {
            Some(answer) => answer,
            None => place.in_the_queue(pool).await?,
        };
        tasks.push(TaskAnswer {
            task_id: place.task_id,
            step: place.step,
            child: place.child,
            answer,
        });
    }
    Ok(tasks)
}

struct Place {
    task_id: Uuid,
    step: String,
    child: Option<i32>,
    errors: i32,
    ready_at: DateTime<Utc>,
    lane: i32,
    key: i64,
    rank: i64,
    queue: String,
    workflow: String,
    version: i32,
    since: Option<DateTime<Utc>>,
    lease_until: Option<DateTime<Utc>>,
    worker: String,
    build: String,
    due_at: Option<DateTime<Utc>>,
    paused_at: Option<DateTime<Utc>>,
    paused_by: String,
    pause_reason: String,
}

impl Place {
    /// Who works on it, or what keeps it from being claimed.
    fn held_back(&self, run: &RunEntry, builds: &[Value]) -> Option<Answer> {
        let step = self.step.clone();
        if let (Some(since), Some(lease_until)) = (self.since, self.lease_until) {
            return Some(Answer::Running {
                step,
                worker: self.worker.clone(),
                build: self.build.clone(),
                since,
                lease_until,
            });
        }
        if let Some(paused) = &run.paused {
            return Some(Answer::RunPaused {
                by: paused.by.clone(),
                at: paused.at,
                reason: paused.reason.clone(),
            });
        }
        if let Some(due_at) = self.due_at {
            return Some(Answer::WaitingForRetry {
                step,
                due_at,
                errors: self.errors,
            });
        }
        if let Some(at) = self.paused_at {
            return Some(Answer::QueuePaused {
                queue: self.queue.clone(),
                by: self.paused_by.clone(),
                at,
                reason: self.pause_reason.clone(),
            });
        }
        let knows = |build| check::knows(build, &self.workflow, self.version, &self.step);
        let nobody = !builds.iter().any(knows);
        nobody.then(|| Answer::NoWorker {
            workflow: self.workflow.clone(),
            version: self.version,
            step,
        })
    }

    /// Tasks of the same key that go first, and the keys that take turns.
    async fn in_the_queue(&self, pool: &PgPool) -> Result<Answer, sqlx::Error> {
        let place = sqlx::query!(
            r#"SELECT (SELECT count(*) FROM (
                        SELECT FROM workflows.ready r
                        WHERE r.lane = $1 AND r.key = $2 AND r.rank < $3 LIMIT $4) ahead) AS "ahead!",
                      (SELECT count(DISTINCT key) FROM (
                        SELECT r.key FROM workflows.ready r WHERE r.lane = $1 LIMIT $4) keys) AS "keys!""#,
            self.lane,
            self.key,
            self.rank,
            COUNTED,
        )
        .fetch_one(pool)
        .await?;
        Ok(Answer::WaitingForSlot {
            queue: self.queue.clone(),
            step: self.step.clone(),
            since: self.ready_at,
            ahead: place.ahead,
            keys: place.keys,
        })
    }
}
