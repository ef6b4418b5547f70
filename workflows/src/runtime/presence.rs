//! Shows that this process lives and renews its leases, on a task and a connection of its own, so
//! that no amount of work can starve it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{
    attempts::Attempts,
    link::{Link, QUERY_TIMEOUT, jittered, within},
};
use crate::store::presence::{announce, leave, renew};

pub(crate) struct Presence {
    pub link: Link,
    pub worker_id: i64,
    pub name: String,
    pub build: String,
    /// This session has the presence lock.
    pub announced: bool,
    pub lease: Duration,
    pub attempts: Arc<Attempts>,
}

impl Presence {
    /// Runs until `stop`, then takes the worker off the list.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let wait = match self.beat().await {
                Ok(()) => jittered(self.lease / 4),
                Err(error) => {
                    tracing::warn!(error = %error, "heartbeat failed");
                    self.link.lose()
                }
            };
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

    async fn beat(&mut self) -> Result<(), sqlx::Error> {
        let (connection, fresh) = self.link.get().await?;
        if fresh || !self.announced {
            self.announced = within(QUERY_TIMEOUT, announce(connection, self.worker_id)).await?;
        }
        let in_hand = self.attempts.snapshot();
        let tasks: Vec<_> = in_hand.iter().map(|(task, _)| *task).collect();
        let renewing = renew(
            connection,
            self.worker_id,
            (&self.name, &self.build),
            &tasks,
            self.lease,
        );
        let held: HashSet<_> = within(QUERY_TIMEOUT, renewing).await?.into_iter().collect();
        self.link.mend();
        for (task_id, token) in in_hand
            .into_iter()
            .filter(|attempt| !held.contains(attempt))
        {
            if self.attempts.cancel(task_id, token) {
                tracing::info!(task.id = %task_id, attempt.token = token, "lease is gone");
            }
        }
        Ok(())
    }
}
