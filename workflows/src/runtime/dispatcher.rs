//! Claims tasks for the free slots of this process and hands them to the queues' workers. It
//! claims no more than can begin at once, so nothing waits claimed behind something slow.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    attempts::Attempts,
    backend::Held,
    link::{Link, QUERY_TIMEOUT, jittered, within},
};
use crate::store::claim::{Demand, claim};

/// One queue's slots and its way to the worker.
pub(crate) struct Lane {
    pub queue: String,
    pub slots: Arc<Semaphore>,
    pub worker: mpsc::UnboundedSender<Held>,
}

pub(crate) struct Dispatcher {
    pub link: Link,
    pub lanes: Vec<Lane>,
    pub known: Vec<(String, i32)>,
    pub worker_id: i64,
    pub lease: Duration,
    pub poll: Duration,
    /// Hints that something may be ready.
    pub ready: Arc<Notify>,
    pub attempts: Arc<Attempts>,
}

impl Dispatcher {
    /// Runs until `stop`; the workers' channels close when it returns.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let wait = match self.claim_once().await {
                Ok(Claimed::Filled) => self.poll_or_slot(),
                Ok(Claimed::NoSlots) => self.poll_or_slot(),
                Ok(Claimed::Drained) => Wait::Hint(jittered(self.poll)),
                Err(error) => {
                    tracing::warn!(error = %error, "claim failed");
                    Wait::Pause(self.link.lose())
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.pause(wait) => {}
            }
        }
        self.link.close().await;
    }

    fn poll_or_slot(&self) -> Wait {
        Wait::Slot(jittered(self.poll))
    }

    async fn pause(&self, wait: Wait) {
        match wait {
            Wait::Pause(time) => tokio::time::sleep(time).await,
            Wait::Hint(time) => tokio::select! {
                () = self.ready.notified() => {}
                () = tokio::time::sleep(time) => {}
            },
            // A claim with every slot taken would be a wasted query, whatever the hints say.
            Wait::Slot(time) => tokio::select! {
                () = self.free_slot() => {}
                () = tokio::time::sleep(time) => {}
            },
        }
    }

    async fn free_slot(&self) {
        let waits = self.lanes.iter().map(|lane| Box::pin(lane.slots.acquire()));
        let _ = futures::future::select_all(waits).await;
    }

    async fn claim_once(&mut self) -> Result<Claimed, sqlx::Error> {
        let mut permits: HashMap<String, OwnedSemaphorePermit> = HashMap::new();
        let mut demand = Demand {
            slots: Vec::new(),
            known: self.known.clone(),
        };
        for lane in &self.lanes {
            let free = lane.slots.available_permits();
            let wanted = u32::try_from(free).unwrap_or(u32::MAX);
            if free == 0 {
                continue;
            }
            if let Ok(permit) = Arc::clone(&lane.slots).try_acquire_many_owned(wanted) {
                permits.insert(lane.queue.clone(), permit);
                demand.slots.push((lane.queue.clone(), free));
            }
        }
        if demand.slots.is_empty() {
            return Ok(Claimed::NoSlots);
        }
        let (connection, _) = self.link.get().await?;
        let claiming = claim(connection, &demand, self.worker_id, self.lease);
        let claims = within(QUERY_TIMEOUT, claiming).await?;
        self.link.mend();
        for claim in claims {
            let lane = self.lanes.iter().find(|lane| lane.queue == claim.queue);
            let slot = permits
                .get_mut(&claim.queue)
                .and_then(|permits| permits.split(1));
            let (Some(lane), Some(slot)) = (lane, slot) else {
                continue;
            };
            let cancelled = self.attempts.enter(claim.task_id, claim.token);
            // A closed channel means shutdown; the lease is then given up to the sweepers.
            let _ = lane.worker.send(Held {
                claim,
                cancelled,
                _slot: Arc::new(slot),
            });
        }
        let filled = permits.values().any(|left| left.num_permits() == 0);
        Ok(if filled {
            Claimed::Filled
        } else {
            Claimed::Drained
        })
    }
}

enum Claimed {
    /// Every slot was taken already.
    NoSlots,
    /// A queue gave all that was asked: there may be more.
    Filled,
    /// Nothing more is ready.
    Drained,
}

enum Wait {
    Pause(Duration),
    Hint(Duration),
    Slot(Duration),
}
