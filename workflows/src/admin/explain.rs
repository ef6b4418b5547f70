//! What happened in a run, and why it is not running now.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::{
    AdminError, places,
    runs::{self, RunEntry},
};

/// A timeline is cut off after so many attempts.
const TIMELINE: i64 = 1000;

/// A run explained.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The run.
    pub run: RunEntry,
    /// The one answer: what it waits for, or who works on it.
    pub answer: Answer,
    /// Every live task with its own answer.
    pub tasks: Vec<TaskAnswer>,
    /// Every attempt that ended, in order; the first thousand.
    pub timeline: Vec<Attempt>,
}

/// One live task.
#[derive(Debug, Clone)]
pub struct TaskAnswer {
    /// The task.
    pub task_id: Uuid,
    /// The step it is at.
    pub step: String,
    /// Place among the children, for a child of a fan-out.
    pub child: Option<i32>,
    /// Why it is not running, or who runs it.
    pub answer: Answer,
}

/// Why something is not running.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Answer {
    /// It is.
    Running {
        /// The step.
        step: String,
        /// Name and build of the worker.
        worker: String,
        /// Version of the worker's program.
        build: String,
        /// Since when.
        since: DateTime<Utc>,
        /// Without a sign of life the task is taken from the worker then.
        lease_until: DateTime<Utc>,
    },
    /// The run is over.
    Ended {
        /// How.
        state: String,
        /// When.
        at: Option<DateTime<Utc>>,
    },
    /// Somebody paused the run.
    RunPaused {
        /// Who.
        by: String,
        /// Since when.
        at: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// A task used up its attempts and waits for somebody to re-drive or discard it.
    Dead {
        /// The newest open letter.
        letter_id: Uuid,
        /// Open letters of this run.
        letters: i64,
        /// The step that died.
        step: String,
        /// Its last error.
        error: String,
    },
    /// The last attempt failed, and the next is due later.
    WaitingForRetry {
        /// The step.
        step: String,
        /// When.
        due_at: DateTime<Utc>,
        /// Attempts that failed so far.
        errors: i32,
    },
    /// Somebody paused the queue.
    QueuePaused {
        /// The queue.
        queue: String,
        /// Who.
        by: String,
        /// Since when.
        at: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// No worker that is running has this step in this version.
    NoWorker {
        /// The workflow.
        workflow: String,
        /// Its version.
        version: i32,
        /// The step.
        step: String,
    },
    /// It is ready and others go first.
    WaitingForSlot {
        /// The queue.
        queue: String,
        /// The step.
        step: String,
        /// Since when it is ready.
        since: DateTime<Utc>,
        /// Tasks of the same key that go first, counted up to 10,000.
        ahead: i64,
        /// Keys that take turns in this lane, counted up to 10,000.
        keys: i64,
    },
}

/// One attempt that ended.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Fencing token: the order of the claims.
    pub token: i64,
    /// The task.
    pub task_id: Uuid,
    /// The step.
    pub step: String,
    /// Place among the children.
    pub child: Option<i32>,
    /// `done`, `error`, `rejected`, `crashed`, `interrupted` or `cancelled`.
    pub outcome: String,
    /// Error or rejection.
    pub error: Option<Value>,
    /// Name of the worker.
    pub worker: Option<String>,
    /// Version of its program.
    pub build: Option<String>,
    /// When it was claimed.
    pub started_at: DateTime<Utc>,
    /// When its end was written.
    pub ended_at: DateTime<Utc>,
}

/// Explains a run.
pub async fn explain(pool: &PgPool, run_id: Uuid) -> Result<Explanation, AdminError> {
    let run = runs::get(pool, run_id).await?;
    let tasks = places::live_tasks(pool, &run).await?;
    let answer = answer(pool, &run, &tasks).await?;
    let timeline = attempts_of(pool, run_id, None).await?;
    Ok(Explanation {
        run,
        answer,
        tasks,
        timeline,
    })
}

/// Every attempt of a run, or of one of its tasks.
pub(super) async fn attempts_of(
    pool: &PgPool,
    run_id: Uuid,
    task_id: Option<Uuid>,
) -> Result<Vec<Attempt>, AdminError> {
    let attempts = sqlx::query_as!(
        Attempt,
        r#"SELECT a.token, a.task_id, a.step, a.child, a.outcome, a.error,
                  w.name AS "worker?", w.build AS "build?", a.started_at, a.ended_at
           FROM workflows.attempts a LEFT JOIN workflows.workers w USING (worker_id)
           WHERE a.run_id = $1 AND ($2::uuid IS NULL OR a.task_id = $2)
           ORDER BY a.token LIMIT $3"#,
        run_id,
        task_id,
        TIMELINE,
    );
    Ok(attempts.fetch_all(pool).await?)
}

/// The answer for the whole run: what it waits for first, if nothing of it runs.
async fn answer(pool: &PgPool, run: &RunEntry, tasks: &[TaskAnswer]) -> Result<Answer, AdminError> {
    if !["running", "dead"].contains(&run.state.as_str()) {
        return Ok(Answer::Ended {
            state: run.state.clone(),
            at: run.ended_at,
        });
    }
    let running = tasks.iter().map(|task| &task.answer);
    if let Some(running) = running
        .clone()
        .find(|a| matches!(a, Answer::Running { .. }))
    {
        return Ok(running.clone());
    }
    if let Some(paused) = &run.paused {
        return Ok(Answer::RunPaused {
            by: paused.by.clone(),
            at: paused.at,
            reason: paused.reason.clone(),
        });
    }
    let letter = sqlx::query!(
        r#"SELECT letter_id, step, error ->> 'message' AS error, count(*) OVER () AS "letters!"
           FROM workflows.dead_letters WHERE run_id = $1 AND resolved_at IS NULL
           ORDER BY letter_id DESC LIMIT 1"#,
        run.run_id,
    );
    if let Some(letter) = letter.fetch_optional(pool).await? {
        return Ok(Answer::Dead {
            letter_id: letter.letter_id,
            letters: letter.letters,
            step: letter.step,
            error: letter.error.unwrap_or_default(),
        });
    }
    match tasks.first() {
        Some(task) => Ok(task.answer.clone()),
        // It ended between our looks.
        None => Ok(Answer::Ended {
            state: run.state.clone(),
            at: run.ended_at,
        }),
    }
}
