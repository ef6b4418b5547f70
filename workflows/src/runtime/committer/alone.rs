//! Commits of one settlement each: those with writes of the caller, and those that a shared commit
//! did not take. A few at a time, so that one that waits for somebody's row holds up no other.

use std::{collections::VecDeque, time::Duration};

use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{Committing, Job, Link, Patience, decide, growing};
use crate::{
    plan::Settlement,
    store::{
        settle::{SettleError, Settled},
        weather::{self, Weather},
    },
};

/// Connections, opened when they are needed.
const CONNECTIONS: usize = 4;
/// Tries of a write that never answers, before that counts as its error.
const ENDLESS: u32 = 3;

pub(super) struct Alone {
    committing: Committing,
    links: Vec<Link>,
    running: JoinSet<(Link, Job, Result<Settled, SettleError>)>,
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
                    Ok((link, job, result)) => self.ended(link, job, result),
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

    fn ended(&mut self, mut link: Link, job: Job, result: Result<Settled, SettleError>) {
        match result {
            Ok(mut settled) if settled.busy.is_empty() && settled.blocked.is_empty() => {
                job.end(settled.going_on.remove(&0));
            }
            Ok(_) => self.try_later(job),
            Err(error) => {
                if !matches!(error, SettleError::Refused(_)) {
                    link.lose();
                }
                self.failed(job, &error);
            }
        }
        self.links.push(link);
    }

    fn try_later(&mut self, mut job: Job) {
        let wait = growing(Duration::from_millis(50), job.tries, Duration::from_secs(2));
        job.tries += 1;
        let due = Instant::now() + super::super::link::jittered(wait);
        self.later.push((due, job));
    }

    fn failed(&mut self, job: Job, error: &SettleError) {
        let settlement = &job.settlement;
        let refused = |error: &(dyn std::error::Error + 'static)| {
            decide::refused(&self.committing.registry, settlement, error)
        };
        let instead = match error {
            SettleError::JoinTooLarge => Some(decide::join_too_large(settlement)),
            SettleError::Broken { message, .. } => {
                Some(refused(&crate::panics::Panicked(message.clone())))
            }
            SettleError::Refused(error) => match weather::in_chain(&**error) {
                Some(_) => None,
                None => Some(refused(&**error)),
            },
            SettleError::Database(error) => self.database_said(&job, error),
        };
        if let Some(instead) = instead {
            self.fresh.push_back(job.becomes(instead));
            return;
        }
        let claim = &settlement.claim;
        if connection_lost(error) {
            self.committing.unwell();
            // The others may be dead as well, and would be found out one after the other.
            for link in &mut self.links {
                link.lose();
                link.mend();
            }
        }
        tracing::warn!(
            error = %error, tries = job.tries, run.id = %claim.run_id, task.step = claim.lane.step,
            "a commit is tried again, at no charge"
        );
        self.try_later(job);
    }

    /// What the settlement becomes, or `None`: it is tried again.
    fn database_said(&self, job: &Job, error: &sqlx::Error) -> Option<Settlement> {
        let settlement = &job.settlement;
        let registry = &self.committing.registry;
        if weather::is_data(error) {
            // A constraint that is checked at the commit is the write's affair as any other.
            return Some(if settlement.has_writes() {
                decide::refused(registry, settlement, error)
            } else {
                decide::unstorable(settlement, error)
            });
        }
        let endless =
            matches!(error, sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::TimedOut);
        let again = endless && job.tries >= ENDLESS && settlement.has_writes();
        again.then(|| decide::refused(registry, settlement, &Endless))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the write did not come to an end")]
struct Endless;

fn connection_lost(error: &SettleError) -> bool {
    match error {
        SettleError::Database(error) => {
            !weather::is_contention(error) || matches!(error, sqlx::Error::Io(_))
        }
        SettleError::Refused(error) => weather::in_chain(&**error) == Some(Weather::Connection),
        _ => false,
    }
}

async fn commit(
    committing: Committing,
    mut link: Link,
    job: Job,
) -> (Link, Job, Result<Settled, SettleError>) {
    // Patience grows: a statement that is slow comes through in the end, and one that waits for a
    // row does not hold the run for long.
    let patience = Patience {
        lock: growing(
            Duration::from_millis(200),
            job.tries,
            Duration::from_secs(2),
        ),
        all: growing(Duration::from_secs(4), job.tries, Duration::from_mins(1)),
    };
    let Job {
        settlement,
        done,
        tries,
    } = job;
    let batch = [settlement];
    let committed = Box::pin(committing.once(&mut link, &batch, patience, true));
    let result = committed.await;
    let [settlement] = batch;
    let job = Job {
        settlement,
        done,
        tries,
    };
    (link, job, result)
}
