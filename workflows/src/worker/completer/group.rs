//! Group commit: completions that arrive while a commit is under way share the next one.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use crate::{
    protocol::completion::Completion,
    store::complete::{CompleteError, Completed},
    worker::completer::{Committing, Job, Link, Patience, decide, growing},
};

/// Most completions in one transaction.
pub(crate) const BATCH: usize = 512;
/// Nothing in it waits for other people's rows for long: it would hold up all the others.
const PATIENCE: Patience = Patience {
    lock: Duration::from_millis(100),
    all: Duration::from_secs(4),
    writing: Some(Duration::from_millis(500)),
};

pub(crate) struct Group {
    committing: Committing,
    link: Link,
    /// Where what cannot share a commit goes.
    alone: mpsc::UnboundedSender<Job>,
    /// What is to be tried again, and when.
    later: Vec<(Instant, Job)>,
}

impl Group {
    pub fn new(committing: Committing, alone: mpsc::UnboundedSender<Job>) -> Self {
        let link = Link::new(committing.session.clone());
        Self {
            committing,
            link,
            alone,
            later: Vec::new(),
        }
    }

    pub async fn run(mut self, mut inbox: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(BATCH);
        let give_up = self.committing.give_up.clone();
        loop {
            let next = self.later.iter().map(|(due, _)| *due).min();
            tokio::select! {
                biased;
                () = give_up.cancelled() => return,
                received = inbox.recv_many(&mut jobs, BATCH) => {
                    if received == 0 && self.later.is_empty() {
                        break;
                    }
                    if received == 0 {
                        // Nobody sends any more: only what is to be tried again is left.
                        sleep_until(next.unwrap_or_else(Instant::now)).await;
                    }
                }
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
            let now = Instant::now();
            let due = self.later.extract_if(.., |(due, _)| *due <= now);
            jobs.extend(due.map(|(_, job)| job));
            while !jobs.is_empty() {
                let batch: Vec<_> = jobs.drain(..jobs.len().min(BATCH)).collect();
                tokio::select! {
                    biased;
                    () = give_up.cancelled() => return,
                    () = self.commit(batch) => {}
                }
            }
        }
        self.link.close().await;
    }

    async fn commit(&mut self, jobs: Vec<Job>) {
        // The completions side by side, as the transaction takes them.
        let (completions, rest): (Vec<Completion>, Vec<_>) = jobs
            .into_iter()
            .map(|job| (job.completion, (job.done, job.tries)))
            .unzip();
        let link = &mut self.link;
        let committing = &self.committing;
        let committed = Box::pin(committing.once(link, &completions, PATIENCE, false));
        let result = committed.await;
        let jobs = completions
            .into_iter()
            .zip(rest)
            .map(|(completion, (done, tries))| Job {
                completion,
                done,
                tries,
            });
        match result {
            Ok(completed) => self.committed(jobs, completed),
            Err(error) => self.failed(jobs.collect(), error),
        }
    }

    fn committed(&mut self, jobs: impl Iterator<Item = Job>, mut completed: Completed) {
        for (place, job) in jobs.enumerate() {
            if completed.busy.contains(&place) {
                // Another worker is just writing something of the same run.
                let wait = growing(
                    Duration::from_millis(5),
                    job.tries,
                    Duration::from_millis(200),
                );
                self.try_later(job, wait);
            } else if completed.blocked.contains(&place) {
                let _ = self.alone.send(job);
            } else if let Some(instead) = completed.instead.remove(&place) {
                let _ = self.alone.send(job.becomes(instead));
            } else {
                job.end(completed.ending(place));
            }
        }
    }

    fn try_later(&mut self, mut job: Job, wait: Duration) {
        job.tries += 1;
        self.later.push((
            Instant::now() + crate::store::connection::jittered(wait),
            job,
        ));
    }

    fn failed(&mut self, jobs: Vec<Job>, error: CompleteError) {
        let wait = self.link.disconnect();
        match error {
            CompleteError::Broken { place, message } => self.without(place, jobs, |group, job| {
                let registry = &group.committing.registry;
                let instead = decide::broken(registry, &job.completion, &message);
                let job = job.becomes(instead);
                if job.completion.is_alone() {
                    drop(group.alone.send(job));
                } else {
                    group.later.push((Instant::now(), job));
                }
            }),
            CompleteError::Slow { place } => self.without(place, jobs, |group, job| {
                drop(group.alone.send(job));
            }),
            error if passes(&error, &jobs) => {
                tracing::warn!(error = %error, completions = jobs.len(), "commit failed, trying again");
                self.committing.unwell();
                for job in jobs {
                    self.try_later(job, wait);
                }
            }
            // One of them has it: each by itself, so that a bad one disturbs no other.
            error => {
                tracing::info!(error = %error, completions = jobs.len(), "a shared commit failed, each goes alone");
                for job in jobs {
                    let _ = self.alone.send(job);
                }
            }
        }
    }

    /// All but one are tried again at once.
    fn without(&mut self, place: usize, jobs: Vec<Job>, culprit: impl FnOnce(&mut Self, Job)) {
        let mut culprit = Some(culprit);
        for (number, job) in jobs.into_iter().enumerate() {
            match culprit.take_if(|_| number == place) {
                Some(culprit) => culprit(self, job),
                None => self.later.push((Instant::now(), job)),
            }
        }
    }
}

/// Whether the same transaction may come through on another connection, as all others will not
/// before. One that took too long gets one more chance: the connection may have been silent.
fn passes(error: &CompleteError, jobs: &[Job]) -> bool {
    let error = match error {
        CompleteError::Unreachable(_) => return true,
        CompleteError::Database(error) => error,
        _ => return false,
    };
    if error.is_data() {
        return false;
    }
    let silent = error.is_silence() && jobs.iter().all(|job| job.tries == 0);
    // Code of the caller may be the reason.
    let theirs = jobs.iter().any(|job| job.completion.has_writes());
    silent || !error.is_contention() && !theirs
}
