//! Shows that this process lives and renews its leases, on a thread and a connection of its own:
//! no amount of work can starve it, not even steps that block all threads of the runtime.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::define::ids::{TaskId, WorkerId};
use crate::store::error::StoreError;
use crate::{
    store::{
        connection::{Link, jittered},
        presence::{Beat, Who, leave, renew},
        rescue::forgive,
        session::{ANSWER, within},
    },
    worker::{in_flight::InFlight, metrics},
};

/// Interval at which the heartbeat asks about attempts that last longer than this. So an attempt whose
/// run was cancelled stops within about a second, even if the notification was lost.
const BRIEF: Duration = Duration::from_secs(1);

pub(crate) struct Heartbeat {
    pub link: Link,
    pub worker_id: WorkerId,
    pub who: Who,
    pub lease: Duration,
    pub attempts: Arc<InFlight>,
    /// Whether others see us. Claims wait for it: what an absent worker claims is taken from it.
    pub present: watch::Sender<bool>,
}

impl Heartbeat {
    /// Runs on a thread of its own until `stop`; the future ends with it.
    pub fn spawn(
        self,
        stop: CancellationToken,
    ) -> std::io::Result<impl Future<Output = Result<(), String>> + use<>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (mut ended, end) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("workflows presence".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = self.run(stop) => {}
                        // Whoever ran the engine has dropped it, as if the process were gone.
                        () = ended.closed() => {}
                    }
                });
            })?;
        Ok(async move {
            let _ = end.await;
            let panicked =
                |panic: Box<dyn std::any::Any + Send>| crate::define::panics::message(&*panic);
            // Its last act was to drop the sender, so joining does not wait.
            thread.join().map_err(panicked)
        })
    }

    async fn run(mut self, stop: CancellationToken) {
        let tick = BRIEF.min(self.lease / 4);
        let mut due = Instant::now();
        while !stop.is_cancelled() {
            let mut wait = tick;
            if self.attempts.any_older_than(tick) || Instant::now() >= due {
                match self.beat(tick).await {
                    Ok(()) => due = Instant::now() + jittered(self.lease / 3),
                    Err(error) => {
                        tracing::warn!(error = %error, "heartbeat failed");
                        self.show(false);
                        // Others soon take leases that expire.
                        wait = self.link.disconnect().min(tick);
                        due = Instant::now();
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        let leaving = async {
            let (connection, _) = self.link.get().await?;
            leave(connection, self.worker_id).await
        };
        let _ = within(ANSWER, leaving).await;
        self.link.close().await;
    }

    fn show(&self, present: bool) {
        self.present
            .send_if_modified(|was| std::mem::replace(was, present) != present);
        metrics::present(present);
    }

    async fn beat(&mut self, tick: Duration) -> Result<(), StoreError> {
        let (connection, fresh) = self.link.get().await?;
        // After a new connection every lease is renewed and checked, also those of young attempts: nobody
        // renewed them in the meantime.
        let age = if fresh { Duration::ZERO } else { tick };
        let in_hand = self.attempts.older_than(age);
        let tasks: Vec<TaskId> = in_hand.iter().map(|attempt| attempt.task_id).collect();
        let renewing = renew(connection, self.worker_id, &self.who, &tasks, self.lease);
        let Beat {
            held,
            present,
            charged,
        } = within(ANSWER, renewing).await?;
        if !present {
            return Err(StoreError::PresenceLost);
        }
        let held: HashSet<_> = held.into_iter().collect();
        let lost: Vec<_> = in_hand
            .iter()
            .filter(|attempt| !held.contains(&(attempt.task_id, attempt.token)))
            .collect();
        if let Some(attempt) = charged {
            let forgiving = forgive(connection, self.worker_id, attempt);
            let forgiven = within(ANSWER, forgiving).await?;
            tracing::warn!(forgiven, "this worker was taken for lost, and was not");
        }
        self.link.reset_backoff();
        self.show(true);
        for attempt in lost {
            if self.attempts.cancel(attempt.task_id, attempt.token) {
                metrics::lease_lost();
                tracing::info!(
                    task.id = %attempt.task_id, attempt.token = attempt.token.0, "lease is gone"
                );
            }
        }
        Ok(())
    }
}
