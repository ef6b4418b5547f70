//! Group commit: settlements that arrive while a commit is under way share the next one.

use std::{sync::Arc, time::Duration};

use sqlx::PgPool;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::Instant,
};

use super::{
    link::{is_transient, jittered, within},
    meters,
    registry::Registry,
};
use crate::{
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
    done: oneshot::Sender<()>,
}

/// What the task that commits needs.
pub(crate) struct Committing {
    pub pool: PgPool,
    pub worker_id: i64,
    pub registry: Arc<Registry>,
    pub lanes: Arc<Lanes>,
    pub ready: Arc<Notify>,
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
    /// lease then runs out and the task is done again elsewhere.
    pub async fn commit(&self, settlement: Settlement) {
        let (done, answer) = oneshot::channel();
        if self.jobs.send(Job { settlement, done }).await.is_ok() {
            let _ = answer.await;
        }
    }
}

impl Committing {
    async fn run(self, mut inbox: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(BATCH);
        while inbox.recv_many(&mut jobs, BATCH).await > 0 {
            let (settlements, waiting): (Vec<_>, Vec<_>) =
                jobs.drain(..).map(|job| (job.settlement, job.done)).unzip();
            self.commit(settlements).await;
            for done in waiting {
                let _ = done.send(());
            }
        }
    }

    /// Commits a batch; one that the database will not take is split, so that a single bad
    /// settlement disturbs no other.
    async fn commit(&self, batch: Vec<Settlement>) {
        let Err(error) = self.with_patience(&batch).await else {
            return;
        };
        if is_transient(&error) {
            let error = &error as &dyn std::error::Error;
            let settlements = batch.len();
            tracing::error!(error, settlements, "gave up committing; leases will expire");
            return;
        }
        if let [settlement] = batch.as_slice() {
            let buried = [unstorable(settlement, &error)];
            if let Err(error) = self.with_patience(&buried).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "settlement dropped"
                );
            }
            return;
        }
        for settlement in batch {
            Box::pin(self.commit(vec![settlement])).await;
        }
    }

    /// Tries until it works, fails for good, or the leases must have expired.
    async fn with_patience(&self, batch: &[Settlement]) -> Result<(), sqlx::Error> {
        let started = Instant::now();
        let mut wait = Duration::from_millis(50);
        loop {
            match within(COMMIT_TIMEOUT, self.once(batch)).await {
                Err(error) if is_transient(&error) && started.elapsed() < self.patience => {
                    tracing::warn!(error = %error, "commit failed, trying again");
                    tokio::time::sleep(jittered(wait)).await;
                    wait = (wait * 2).min(Duration::from_secs(1));
                }
                other => return other,
            }
        }
    }

    async fn once(&self, batch: &[Settlement]) -> Result<(), sqlx::Error> {
        let began = Instant::now();
        let refused = |settlement: &Settlement, error| self.refused(settlement, error);
        let context = Context {
            lanes: &self.lanes,
            worker_id: self.worker_id,
            refused: &refused,
        };
        let Settled { stale, queues } = settle(&self.pool, batch, &context).await?;
        meters::committed(batch.len() - stale.len(), began.elapsed());
        if !queues.is_empty() {
            self.ready.notify_one();
        }
        for (place, settlement) in batch.iter().enumerate() {
            if stale.contains(&place) {
                meters::lease_lost();
                tracing::info!(
                    task.id = %settlement.claim.task_id,
                    attempt.token = settlement.claim.token,
                    "attempt was stale, nothing written"
                );
            } else {
                meters::settled(settlement);
                tracing::debug!(
                    run.id = %settlement.claim.run_id,
                    task.step = %settlement.claim.step,
                    attempt.token = settlement.claim.token,
                    "attempt settled"
                );
            }
        }
        Ok(())
    }

    /// The caller's own write failed: an error of this attempt.
    fn refused(&self, settlement: &Settlement, error: BoxError) -> Settlement {
        let claim = Arc::clone(&settlement.claim);
        tracing::warn!(error = %error, task.step = %claim.step, "a write of the step was refused");
        match self.registry.find(&settlement.claim) {
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
