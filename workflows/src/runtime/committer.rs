//! Group commit: settlements that arrive while a commit is under way share the next one.

use std::{sync::Arc, time::Duration};

use sqlx::PgPool;
use tokio::sync::{Notify, mpsc, oneshot};

use super::{
    link::{is_transient, jittered, within},
    registry::{Registry, step_of},
};
use crate::{
    plan::{self, Cause, Ended, Settlement, Verdict, describe},
    step::{BoxError, StepError},
    store::settle::{Settled, settle},
};

/// Most settlements in one transaction.
const BATCH: usize = 256;
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

impl Committer {
    /// A committer and the task that drives it until the last clone is gone.
    pub fn new(
        pool: PgPool,
        worker_id: i64,
        registry: Arc<Registry>,
        ready: Arc<Notify>,
        patience: Duration,
    ) -> (Self, impl Future<Output = ()> + use<>) {
        let (jobs, inbox) = mpsc::channel(BATCH * 4);
        let loop_ = Loop {
            pool,
            worker_id,
            registry,
            ready,
            patience,
        };
        (Self { jobs }, loop_.run(inbox))
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

struct Loop {
    pool: PgPool,
    worker_id: i64,
    registry: Arc<Registry>,
    ready: Arc<Notify>,
    patience: Duration,
}

impl Loop {
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
        let started = tokio::time::Instant::now();
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
        let (answers, queues) = settle(&self.pool, batch, self.worker_id).await?;
        if !queues.is_empty() {
            self.ready.notify_one();
        }
        for (settlement, answer) in batch.iter().zip(answers) {
            match answer {
                Settled::Committed => {}
                Settled::Stale => tracing::info!(
                    task.id = %settlement.claim.task_id,
                    attempt.token = settlement.claim.token,
                    "attempt was stale, nothing written"
                ),
                Settled::Refused(error) => {
                    let failed = self.refused(settlement, error);
                    settle(&self.pool, &[failed], self.worker_id).await?;
                }
            }
        }
        Ok(())
    }

    /// The caller's own write failed: an error of this attempt.
    fn refused(&self, settlement: &Settlement, error: BoxError) -> Settlement {
        let claim = Arc::clone(&settlement.claim);
        tracing::warn!(error = %error, task.step = %claim.step, "a write of the step was refused");
        let step = self
            .registry
            .workflow(&claim)
            .and_then(|d| Some((d, step_of(d, &claim)?)));
        match step {
            Some((definition, step)) => {
                let failed = StepError::Retry {
                    source: error,
                    after: None,
                };
                plan::settle(
                    claim,
                    definition,
                    step,
                    Ended::Failed(failed),
                    rand::random(),
                )
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
