//! What happened in a run, and why it is not running now.

mod timeline;

use sqlx::PgPool;
use uuid::Uuid;

use crate::define::ids::RunId;
use crate::{
    admin::{
        AdminError, live_tasks, not_found,
        payload::Short,
        runs::{self, RunEntry},
    },
    store::{self, letters},
};

pub use super::answer::{Answer, Lack, Progress, TaskAnswer, Tried};
pub use timeline::Attempt;
pub(super) use timeline::attempts_of;

/// A run explained.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The run that was asked for, or the one about the subject that was.
    pub run: RunEntry,
    /// The one answer: what it waits for, or who works on it.
    pub answer: Answer,
    /// Every live task with its own answer.
    pub tasks: Vec<TaskAnswer>,
    /// Every attempt that ended, in order; the first thousand.
    pub timeline: Vec<Attempt>,
}

/// Explains a run, by its own id or by that of its subject: of several the one that is not over, or else one that did
/// not succeed, or else the newest.
pub async fn explain(pool: &PgPool, id: Uuid) -> Result<Explanation, AdminError> {
    let run = runs::get(pool, run_about(pool, id).await?).await?;
    let run_id = run.run_id;
    let tasks = live_tasks::live_tasks(pool, &run).await?;
    let answer = answer(pool, &run, &tasks).await?;
    let timeline = attempts_of(pool, run_id, None).await?;
    Ok(Explanation {
        run,
        answer,
        tasks,
        timeline,
    })
}

/// The run with this id or about this subject.
async fn run_about(pool: &PgPool, id: Uuid) -> Result<RunId, AdminError> {
    let run = store::runs::about(pool, id).await?;
    run.ok_or_else(|| not_found("run with the id or about the subject", id))
}

/// The answer for the whole run: what it waits for first, if nothing of it runs.
async fn answer(pool: &PgPool, run: &RunEntry, tasks: &[TaskAnswer]) -> Result<Answer, AdminError> {
    if run.state.has_ended() {
        return Ok(Answer::Ended {
            state: run.state,
            at: run.ended_at,
        });
    }
    let mut answers = tasks.iter().map(|task| &task.answer);
    if let Some(running) = answers.find(|answer| matches!(answer, Answer::Running { .. })) {
        return Ok(running.clone());
    }
    if let Some(paused) = &run.paused {
        return Ok(paused.into());
    }
    if let Some(letter) = letters::newest_open(pool, run.run_id).await? {
        return Ok(Answer::Dead {
            letter_id: letter.letter_id,
            letters: letter.letters,
            step: letter.step,
            error: Short::of(&letter.error).whole(),
        });
    }
    match tasks.first() {
        Some(task) => Ok(task.answer.clone()),
        // It ended between our looks.
        None => Ok(Answer::Ended {
            state: run.state,
            at: run.ended_at,
        }),
    }
}
