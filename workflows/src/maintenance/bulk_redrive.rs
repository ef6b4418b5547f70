//! One bounded step of a re-drive of many. It is a constant number of statements, however many
//! letters it takes: over a slow connection, too, it comes to its end.

pub(crate) mod pace;

use std::collections::HashSet;

use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::define::ids::{LetterId, RunId};
use crate::store::error::StoreError;
use crate::{
    admin::{Actor, AdminError, hooks},
    define::hooks::Hooks,
    maintenance::bulk_redrive::pace::Round,
    protocol::{failpoints::Failpoint, state::Resolution},
    store::{
        audit,
        clear::clear,
        commit::commit,
        letters::{Candidate, candidates},
        lock,
        redrives::{self, Job, Recorded},
        requeue::{self, Revived},
    },
};

/// What a step did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Worked {
    /// Letters that were re-driven.
    pub redriven: i64,
    /// Queues to tell, after this.
    pub queues: Vec<String>,
    /// Some re-drive may take its next step at once.
    pub more: bool,
}

/// Takes the next step of the re-drive that has waited longest, if its rate allows one and nobody
/// else is at it: `batch` letters at most. Tells the workflows of runs that live again.
pub(crate) async fn work_off(
    connection: &mut PgConnection,
    batch: i64,
    hooks: &Hooks,
) -> Result<Worked, AdminError> {
    let mut transaction = connection.begin().await?;
    let tx = &mut *transaction;
    let Some(job) = redrives::due(tx).await? else {
        transaction.rollback().await?;
        return Ok(Worked::default());
    };
    let job = Step(job);
    let limit = job
        .allowed()
        .min(i64::from(job.cap - job.redriven))
        .min(batch.max(1));
    // One more tells whether the end is reached.
    let asked_at = Some(job.created_at);
    let mut letters = candidates(tx, &job.filter.0, job.position, asked_at, limit + 1).await?;
    let wanted = usize::try_from(limit).unwrap_or(1);
    let at_the_end = letters.len() <= wanted;
    letters.truncate(wanted);

    let runs: Vec<RunId> = letters.iter().map(|letter| letter.run_id).collect();
    let locked = lock::free_run_ids(tx, &runs).await?;
    let mut round = Round {
        position: job.position,
        again_from: job.again_from,
    };
    let taken = round.take(&letters, &locked);
    let (revived, skipped) = job.revive(tx, &taken, hooks).await?;
    let capped = i64::from(job.redriven) + revived.letters >= i64::from(job.cap);
    let over = at_the_end && round.end();
    let due = job
        .record(tx, &revived, skipped, round, over || capped)
        .await?;
    commit(transaction, &[Failpoint::BulkStep]).await?;
    Ok(Worked {
        redriven: revived.letters,
        queues: revived.queues,
        // Who has locked what was left out needs a moment.
        more: due.others || (due.this && !at_the_end),
    })
}

/// A step of a re-drive.
struct Step(Job);

impl std::ops::Deref for Step {
    type Target = Job;

    fn deref(&self) -> &Job {
        &self.0
    }
}

impl Step {
    fn by(&self) -> Actor<'_> {
        Actor::new(&self.actor, &self.reason)
    }

    /// Whole letters that the rate allows now.
    fn allowed(&self) -> i64 {
        // Time stamps are rounded to microseconds.
        let letters = (self.saved * self.per_second + 0.001).floor();
        #[expect(clippy::cast_possible_truncation, reason = "at most 50,000")]
        let letters = letters as i64;
        letters.max(1)
    }

    /// Revives letters whose runs are locked. Also returns how many cannot be revived.
    async fn revive(
        &self,
        tx: &mut PgConnection,
        letters: &[&Candidate],
        hooks: &Hooks,
    ) -> Result<(Revived, i64), AdminError> {
        let by = self.by().telling(hooks);
        let from_step = self.from_step.as_deref();
        let (as_they_are, from_earlier): (Vec<&Candidate>, Vec<&Candidate>) = letters
            .iter()
            .partition(|letter| from_step.is_none_or(|step| step == letter.step));
        let ids: Vec<LetterId> = as_they_are.iter().map(|letter| letter.letter_id).collect();
        let mut revived = Revived::default();
        if !ids.is_empty() {
            revived = requeue::letters(tx, &ids, by).await?;
            let runs: Vec<RunId> = as_they_are.iter().map(|letter| letter.run_id).collect();
            hooks::revived(tx, &runs, None, by).await?;
        }
        let mut skipped = 0;
        if let (Some(step), false) = (from_step, from_earlier.is_empty()) {
            let (from_there, not_been) = self.restart(tx, step, &from_earlier, by).await?;
            revived.letters += from_there.letters;
            revived.queues.extend(from_there.queues);
            skipped = not_been;
        }
        Ok((revived, skipped))
    }

    /// Starts the letters' runs again from a step. All open letters of such a run are resolved
    /// together, and count.
    async fn restart(
        &self,
        tx: &mut PgConnection,
        step: &str,
        letters: &[&Candidate],
        by: Actor<'_>,
    ) -> Result<(Revived, i64), AdminError> {
        let ids: Vec<LetterId> = letters.iter().map(|letter| letter.letter_id).collect();
        // Somebody may have resolved a letter before its run was locked.
        let open = redrives::open_letters(tx, &ids).await?;
        let runs: Vec<RunId> = open.iter().map(|run| run.run_id).collect();
        let entries = requeue::entries(tx, &runs, step).await?;
        let runs: HashSet<RunId> = entries.iter().map(|entry| entry.run_id).collect();
        let (mut revived, mut skipped) = (Revived::default(), 0);
        for run in open {
            if runs.contains(&run.run_id) {
                revived.letters += run.letters;
            } else {
                skipped += run.asked;
            }
        }
        if !entries.is_empty() {
            let runs: Vec<RunId> = runs.into_iter().collect();
            clear(tx, &runs, Resolution::Redriven, by).await?;
            revived.queues = requeue::restart(tx, &entries, by).await?;
            hooks::revived(tx, &runs, Some(step), by).await?;
        }
        Ok((revived, skipped))
    }

    /// Notes how far the re-drive is. What was not used up of its rate is kept.
    async fn record(
        &self,
        tx: &mut PgConnection,
        revived: &Revived,
        skipped: i64,
        round: Round,
        over: bool,
    ) -> Result<Recorded, StoreError> {
        let so_far = redrives::Progress {
            redriven: revived.letters,
            skipped,
            position: round.position,
            again_from: round.again_from,
            over,
        };
        let row = redrives::record(tx, self.redrive_id, &so_far).await?;
        if over {
            let details = json!({ "redriven": row.redriven, "skipped": row.skipped });
            audit::record(tx, self.by(), "redrive.end", self.redrive_id, details).await?;
        }
        Ok(row)
    }
}
