//! Shows that this process lives and renews its leases, on a task and a connection of its own, so
//! that no amount of work can starve it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    attempts::Attempts,
    link::{Link, QUERY_TIMEOUT, jittered, within},
    meters,
};
use crate::store::presence::{Who, announce, leave, renew};

/// Attempts that last longer are asked after at this interval, so that one whose run was cancelled
/// stops within about a second even if the notification is lost.
const BRIEF: Duration = Duration::from_secs(1);

pub(crate) struct Presence {
    pub link: Link,
    pub worker_id: i64,
    pub who: Who,
    /// This session has the presence lock.
    pub announced: bool,
    pub lease: Duration,
    pub attempts: Arc<Attempts>,
    /// Whether others see us. Claims wait for it: what an absent worker claims is taken from it,
    /// and an innocent task would be charged with the crash.
    pub present: watch::Sender<bool>,
}

impl Presence {
    /// Runs until `stop`, then takes the worker off the list.
    pub async fn run(mut self, stop: CancellationToken) {
        let tick = BRIEF.min(self.lease / 4);
        let mut due = Instant::now();
        while !stop.is_cancelled() {
            let in_hand = self.attempts.older_than(tick);
            let mut wait = tick;
            if !in_hand.is_empty() || Instant::now() >= due {
                match self.beat(in_hand).await {
                    Ok(()) => {
                        self.present.send_replace(self.announced);
                        // An earlier session of ours still has the lock: ask again soon, because
                        // with its end it will be gone.
                        due = Instant::now();
                        if self.announced {
                            due += jittered(self.lease / 4);
                        }
                    }
                    Err(error) => {
                        tracing::warn!(error = %error, "heartbeat failed");
                        self.present.send_replace(false);
                        wait = self.link.lose();
                        due = Instant::now();
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        if let Ok((connection, _)) = self.link.get().await {
            let _ = within(QUERY_TIMEOUT, leave(connection, self.worker_id)).await;
        }
        self.link.close().await;
    }

    async fn beat(&mut self, in_hand: Vec<(Uuid, i64)>) -> Result<(), sqlx::Error> {
        let (connection, fresh) = self.link.get().await?;
        if fresh || !self.announced {
            self.announced = within(QUERY_TIMEOUT, announce(connection, self.worker_id)).await?;
        }
        let tasks: Vec<_> = in_hand.iter().map(|(task, _)| *task).collect();
        let renewing = renew(connection, self.worker_id, &self.who, &tasks, self.lease);
        let held: HashSet<_> = within(QUERY_TIMEOUT, renewing).await?.into_iter().collect();
        self.link.mend();
        for (task_id, token) in in_hand
            .into_iter()
            .filter(|attempt| !held.contains(attempt))
        {
            if self.attempts.cancel(task_id, token) {
                meters::lease_lost();
                tracing::info!(task.id = %task_id, attempt.token = token, "lease is gone");
            }
        }
        Ok(())
    }
}
