//! Commits of one completion each: those with writes of the caller, and those that a shared commit
//! did not take. A few at a time, so that one that waits for somebody's row holds up no other.

use std::{collections::VecDeque, time::Duration};

use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::store::error::StoreError;
use crate::{
    protocol::completion::Completion,
    store::{
        complete::CompleteError,
        session::{ANSWER, within},
    },
    worker::completer::{Committing, Job, Link, Patience, decide, growing},
};

/// Connections, opened when they are needed.
const CONNECTIONS: usize = 4;
/// Tries of a write that never answers, before that counts as its error.
const ENDLESS: u32 = 3;

pub(crate) struct Alone {
    committing: Committing,
    links: Vec<Link>,
    running: JoinSet<(Link, Option<(Job, CompleteError)>)>,
    fresh: VecDeque<Job>,
    /// What is to be tried again, and when.
    later: Vec<(Instant, Job)>,
}

impl Alone {
    pub fn new(committing: Committing) -> Self {
        let link = || Link::new(committing.session.clone());
        Self {
            links: (0..CONNECTIONS).map(|_| link()).collect(),
            committing,
            running: JoinSet::new(),
            fresh: VecDeque::new(),
            later: Vec::new(),
        }
    }

    pub async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Job>) {
        let give_up = self.committing.give_up.clone();
        let mut open = true;
        loop {
            self.begin_what_can();
            if !open && self.running.is_empty() && self.later.is_empty() {
                break;
            }
            let next = (self.links.len() > 1)
                .then(|| self.later.iter().map(|(due, _)| *due).min())
                .flatten();
            tokio::select! {
                biased;
                () = give_up.cancelled() => return,
                Some(ended) = self.running.join_next() => match ended {
                    Ok((link, failed)) => self.ended(link, failed),
                    // The supervisor takes it from here.
                    Err(panic) => std::panic::resume_unwind(panic.into_panic()),
                },
                job = inbox.recv(), if open => match job {
                    Some(job) => self.fresh.push_back(job),
                    None => open = false,
                },
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
        }
        for link in self.links {
            link.close().await;
        }
    }

    /// One connection is left for those that come for the first time.
    fn begin_what_can(&mut self) {
        while let Some(link) = self.links.pop() {
            let now = Instant::now();
            let due = self.later.iter().position(|(due, _)| *due <= now);
            let job = match (self.fresh.pop_front(), due) {
                (Some(job), _) => job,
                (None, Some(due)) if !self.links.is_empty() => self.later.swap_remove(due).1,
                _ => {
                    self.links.push(link);
                    return;
                }
            };
            let committing = self.committing.clone();
            self.running.spawn(commit(committing, link, job));
        }
    }

    fn ended(&mut self, mut link: Link, failed: Option<(Job, CompleteError)>) {
        if let Some((job, error)) = failed {
            if !keeps_its_connection(&error) {
                link.disconnect();
            }
            self.failed(job, &error);
        }
        self.links.push(link);
    }

    fn try_later(&mut self, mut job: Job) {
        let wait = growing(Duration::from_millis(50), job.tries, Duration::from_secs(2));
        job.tries += 1;
        let due = Instant::now() + crate::store::connection::jittered(wait);
        self.later.push((due, job));
    }

    fn failed(&mut self, job: Job, error: &CompleteError) {
        let completion = &job.completion;
        let registry = &self.committing.registry;
        let instead = match error {
            CompleteError::JoinTooLarge => Some(decide::join_too_large(completion)),
            CompleteError::Broken { message, .. } => {
                Some(decide::broken(registry, completion, message))
            }
            CompleteError::Refused(error) => Some(decide::refused(registry, completion, error)),
            CompleteError::Overslept => self.overslept(&job),
            CompleteError::Database(error) => self.database_said(&job, error),
            CompleteError::Unreachable(_)
            | CompleteError::Passing(_)
            | CompleteError::Blocked
            | CompleteError::Slow { .. } => None,
        };
        if let Some(instead) = instead {
            self.fresh.push_back(job.becomes(instead));
            return;
        }
        if is_connection(error) {
            // The others may be dead as well, and would be found out one after the other.
            for link in &mut self.links {
                link.disconnect();
                link.reset_backoff();
            }
        }
        if says_that_nothing_commits(error, completion) {
            self.committing.unwell();
        }
        if !matches!(error, CompleteError::Blocked) {
            let claim = &completion.claim;
            tracing::warn!(
                error = %error, tries = job.tries, run.id = %claim.run_id, task.step = claim.lane.step,
                "a commit is tried again, at no charge"
            );
        }
        self.try_later(job);
    }

    /// What the completion becomes, or `None`: it is tried again.
    fn database_said(&self, job: &Job, error: &StoreError) -> Option<Completion> {
        let completion = &job.completion;
        let registry = &self.committing.registry;
        if error.is_data() {
            // A constraint that is checked at the commit is the write's affair as any other.
            return Some(if completion.has_writes() {
                decide::refused(registry, completion, error)
            } else {
                decide::unstorable(completion, error)
            });
        }
        if error.is_overslept() {
            return self.overslept(job);
        }
        // The caller's code has done something to the transaction. Once may be chance: a schema that
        // was changed under our statements.
        let theirs = completion.has_writes() && job.tries > 0 && !error.is_the_server();
        theirs.then(|| decide::refused(registry, completion, error))
    }

    /// Of a write that never comes to its end.
    fn overslept(&self, job: &Job) -> Option<Completion> {
        let completion = &job.completion;
        let endless = job.tries >= ENDLESS && completion.has_writes();
        endless.then(|| decide::refused(&self.committing.registry, completion, &Endless))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the write did not come to an end")]
struct Endless;

fn keeps_its_connection(error: &CompleteError) -> bool {
    matches!(
        error,
        CompleteError::Refused(_) | CompleteError::Blocked | CompleteError::Passing(_)
    )
}

fn is_connection(error: &CompleteError) -> bool {
    match error {
        CompleteError::Unreachable(_) => true,
        CompleteError::Database(error) => error.is_silence(),
        _ => false,
    }
}

/// Whether others would fare no better. What became of a transaction in which the caller's code was
/// called says nothing about that.
fn says_that_nothing_commits(error: &CompleteError, completion: &Completion) -> bool {
    match error {
        CompleteError::Unreachable(_) => true,
        CompleteError::Database(error) if !completion.has_writes() => {
            !error.is_contention() || error.is_silence()
        }
        _ => false,
    }
}

async fn commit(
    committing: Committing,
    mut link: Link,
    job: Job,
) -> (Link, Option<(Job, CompleteError)>) {
    // Patience grows: a statement that is slow comes through in the end, and one that waits for a
    // row does not hold the run for long.
    let patience = Patience {
        lock: growing(
            Duration::from_millis(200),
            job.tries,
            Duration::from_secs(2),
        ),
        all: growing(Duration::from_secs(4), job.tries, Duration::from_mins(1)),
        writing: None,
    };
    let Job {
        completion,
        done,
        tries,
    } = job;
    let theirs = completion.has_writes();
    let batch = [completion];
    let committed = Box::pin(committing.once(&mut link, &batch, patience, theirs));
    let result = committed.await;
    let [completion] = batch;
    let job = Job {
        completion,
        done,
        tries,
    };
    let failed = match result {
        Ok(mut completed) if !completed.untouched(0) => {
            job.end(completed.ending(0));
            None
        }
        Ok(_) => Some((job, CompleteError::Blocked)),
        Err(error) => Some((job, error)),
    };
    // What the caller's code has left in the session ends here: locks, above all. A connection that
    // is lost is not asked again: it may be silent.
    let kept = failed
        .as_ref()
        .is_none_or(|(_, error)| keeps_its_connection(error));
    if !kept || (theirs && within(ANSWER, link.clean()).await.is_err()) {
        link.disconnect();
    }
    (link, failed)
}
