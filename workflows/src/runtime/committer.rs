//! Group commit: settlements that arrive while a commit is under way share the next one.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    announcer::Announcements,
    link::{Link, is_too_slow, is_transient, jittered, within},
    meters,
    registry::Registry,
    slots::Slots,
};
use crate::{
    claim::Claim,
    plan::{self, Cause, Ended, Settlement, Verdict, describe},
    step::{BoxError, StepError},
    store::{
        lanes::Lanes,
        settle::{Context, Settled, settle},
    },
};

/// Most settlements in one transaction.
const BATCH: usize = 512;
/// One transaction may take this long; the callers' writes are in it.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(30);

/// Hands settlements to the one task that commits them.
#[derive(Clone)]
pub(crate) struct Committer {
    jobs: mpsc::Sender<Job>,
}

struct Job {
    settlement: Settlement,
    done: oneshot::Sender<Option<Arc<Claim>>>,
}

/// What the task that commits needs.
pub(crate) struct Committing {
    pub link: Link,
    /// Whether the last commit came through.
    pub well: watch::Sender<bool>,
    pub worker_id: i64,
    pub registry: Arc<Registry>,
    pub lanes: Arc<Lanes>,
    pub slots: Slots,
    pub announcements: Announcements,
    pub lease: Duration,
    /// When it fires, nobody goes on with a next step.
    pub stop: CancellationToken,
    /// After this long the leases must have expired, and it is no use to go on trying.
    pub patience: Duration,
}

impl Committer {
    /// A committer and the task that drives it until the last clone is gone.
    pub fn new(committing: Committing) -> (Self, impl Future<Output = ()> + use<>) {
        let (jobs, inbox) = mpsc::channel(BATCH * 4);
        (Self { jobs }, committing.run(inbox))
    }

    /// Returns when the settlement is committed, or was found stale, or had to be given up; the
    /// lease then runs out and the task is done again elsewhere. With a claim, when this worker is
    /// to go on with the next step.
    pub async fn commit(&self, settlement: Settlement) -> Option<Arc<Claim>> {
        let (done, answer) = oneshot::channel();
        self.jobs.send(Job { settlement, done }).await.ok()?;
        answer.await.ok()?
    }
}

impl Committing {
    async fn run(mut self, mut inbox: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(BATCH);
        while inbox.recv_many(&mut jobs, BATCH).await > 0 {
            let (settlements, waiting): (Vec<_>, Vec<_>) =
                jobs.drain(..).map(|job| (job.settlement, job.done)).unzip();
            let going_on = self.commit(settlements).await;
            for (done, claim) in waiting.into_iter().zip(going_on) {
                let _ = done.send(claim);
            }
        }
        self.link.close().await;
    }

    /// Commits a batch; one that the database will not take is split, so that a single bad
    /// settlement disturbs no other. Answers in the batch's order.
    async fn commit(&mut self, batch: Vec<Settlement>) -> Vec<Option<Arc<Claim>>> {
        let error = match self.with_patience(&batch).await {
            Ok(going_on) => return going_on,
            Err(error) => error,
        };
        let alone = batch.len() == 1;
        if is_transient(&error) && (alone || !is_too_slow(&error)) {
            let error = &error as &dyn std::error::Error;
            let settlements = batch.len();
            tracing::error!(error, settlements, "gave up committing; leases will expire");
            return vec![None; settlements];
        }
        if let [settlement] = batch.as_slice() {
            let buried = [unstorable(settlement, &error)];
            if let Err(error) = self.with_patience(&buried).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "settlement dropped"
                );
            }
            return vec![None];
        }
        let mut going_on = Vec::with_capacity(batch.len());
        for settlement in batch {
            going_on.extend(Box::pin(self.commit(vec![settlement])).await);
        }
        going_on
    }

    /// Tries until it works, fails for good, or the leases must have expired.
    async fn with_patience(
        &mut self,
        batch: &[Settlement],
    ) -> Result<Vec<Option<Arc<Claim>>>, sqlx::Error> {
        let started = Instant::now();
        let mut wait = Duration::from_millis(50);
        loop {
            match within(COMMIT_TIMEOUT, self.once(batch)).await {
                // Whatever is slow in it will be found by itself.
                Err(error) if is_too_slow(&error) && batch.len() > 1 => {
                    self.link.lose();
                    return Err(error);
                }
                Err(error) if is_transient(&error) && started.elapsed() < self.patience => {
                    tracing::warn!(error = %error, "commit failed, trying again");
                    self.well.send_replace(false);
                    // The connection is closed here, not given back to be asked how it is.
                    self.link.lose();
                    tokio::time::sleep(jittered(wait)).await;
                    wait = (wait * 2).min(Duration::from_secs(1));
                }
                other => {
                    if other.is_ok() {
                        self.well
                            .send_if_modified(|well| !std::mem::replace(well, true));
                    }
                    return other;
                }
            }
        }
    }

    async fn once(&mut self, batch: &[Settlement]) -> Result<Vec<Option<Arc<Claim>>>, sqlx::Error> {
        let began = Instant::now();
        let registry = &self.registry;
        let refused = |settlement: &Settlement, error| refused(registry, settlement, error);
        let may_go_on = |queue: &str| !self.stop.is_cancelled() && self.slots.may_go_on(queue);
        let context = Context {
            lanes: &self.lanes,
            worker_id: self.worker_id,
            lease: self.lease,
            may_go_on: &may_go_on,
            refused: &refused,
        };
        let (connection, _) = self.link.get().await?;
        let span = tracing::debug_span!("settle", settle.attempts = batch.len());
        let settled = settle(connection, batch, &context).instrument(span).await?;
        self.link.mend();
        let Settled {
            stale,
            mut going_on,
            ready,
        } = settled;
        meters::committed(batch.len() - stale.len(), began.elapsed());
        self.tell(batch, &going_on, &ready);
        report(batch, &stale);
        Ok((0..batch.len())
            .map(|place| going_on.remove(&place))
            .collect())
    }

    /// Work became ready. This process looks for it with the slots that it has or is about to
    /// have; others are told of what is more.
    fn tell(
        &self,
        batch: &[Settlement],
        going_on: &HashMap<usize, Arc<Claim>>,
        ready: &HashMap<String, usize>,
    ) {
        if ready.is_empty() {
            return;
        }
        self.slots.look();
        for (queue, made_ready) in ready {
            let places = batch.iter().enumerate();
            let freed = places
                .filter(|(place, s)| s.claim.lane.queue == queue && !going_on.contains_key(place))
                .count();
            if self.stop.is_cancelled() || *made_ready > freed + self.slots.free(queue) {
                self.announcements.add(queue);
            }
        }
    }
}

/// The caller's own write failed: an error of this attempt.
fn refused(registry: &Registry, settlement: &Settlement, error: BoxError) -> Settlement {
    let claim = Arc::clone(&settlement.claim);
    tracing::warn!(error = %error, task.step = %claim.step, "a write of the step was refused");
    match registry.find(&settlement.claim) {
        Some((definition, step)) => {
            let failed = StepError::Retry {
                source: error,
                after: None,
            };
            let ended = Ended::Failed(failed);
            plan::settle(claim, definition, step, ended, rand::random())
        }
        None => unstorable(settlement, error.as_ref()),
    }
}

fn report(batch: &[Settlement], stale: &HashSet<usize>) {
    for (place, settlement) in batch.iter().enumerate() {
        let claim = &settlement.claim;
        if stale.contains(&place) {
            meters::lease_lost();
            tracing::info!(
                run.id = %claim.run_id,
                task.id = %claim.task_id,
                attempt.token = claim.token,
                "attempt was stale, nothing written"
            );
        } else {
            meters::settled(settlement);
            tracing::debug!(
                run.id = %claim.run_id,
                task.step = %claim.step,
                attempt.token = claim.token,
                "attempt settled"
            );
        }
    }
}

/// A result that cannot be stored as it is (for example text with a NUL) is our fault.
fn unstorable(settlement: &Settlement, error: &(dyn std::error::Error + 'static)) -> Settlement {
    let verdict = Verdict::Bury {
        cause: Cause::Failed,
        error: describe(error),
    };
    Settlement {
        claim: Arc::clone(&settlement.claim),
        verdict,
        writes: Vec::new(),
    }
}
