//! Claims tasks for the free slots of this process and hands them to the queues' workers. It
//! claims no more than can begin at once, so nothing waits claimed behind something slow.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    attempts::{Attempts, Held},
    link::{Link, QUERY_TIMEOUT, jittered, within},
};
use crate::{
    plan::Claim,
    store::claim::{Demand, claim},
};

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
                Ok(full) => Wait::ForWork(full),
                Err(error) => {
                    tracing::warn!(error = %error, "claim failed");
                    Wait::Out(self.link.lose())
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.pause(wait) => {}
            }
        }
        self.link.close().await;
    }

    async fn pause(&self, wait: Wait) {
        let full = match wait {
            Wait::Out(time) => return tokio::time::sleep(time).await,
            Wait::ForWork(full) => full,
        };
        let slot = async {
            let waits = full
                .iter()
                .map(|lane| Box::pin(self.lanes[*lane].slots.acquire()));
            let _ = futures::future::select_all(waits).await;
        };
        tokio::select! {
            // With every slot taken a claim would be a wasted query, whatever the hints say.
            () = self.ready.notified(), if full.len() < self.lanes.len() => {}
            () = slot, if !full.is_empty() => {}
            () = tokio::time::sleep(jittered(self.poll)) => {}
        }
    }

    /// Takes what there is for the free slots. Returns the lanes in which more may be waiting: those
    /// without a free slot, before or after.
    async fn claim_once(&mut self) -> Result<Vec<usize>, sqlx::Error> {
        let mut permits: HashMap<String, OwnedSemaphorePermit> = HashMap::new();
        let mut demand = Demand {
            slots: Vec::new(),
            known: self.known.clone(),
        };
        for lane in &self.lanes {
            let free = lane.slots.available_permits();
            let wanted = u32::try_from(free).unwrap_or(u32::MAX);
            if free > 0
                && let Ok(permit) = Arc::clone(&lane.slots).try_acquire_many_owned(wanted)
            {
                permits.insert(lane.queue.clone(), permit);
                demand.slots.push((lane.queue.clone(), free));
            }
        }
        if !demand.slots.is_empty() {
            let (connection, _) = self.link.get().await?;
            let claiming = claim(connection, &demand, self.worker_id, self.lease);
            let claims = within(QUERY_TIMEOUT, claiming).await?;
            self.link.mend();
            for claim in claims {
                self.hand_over(claim, &mut permits);
            }
        }
        let left = |queue| {
            permits
                .get(queue)
                .map_or(0, OwnedSemaphorePermit::num_permits)
        };
        let lanes = self.lanes.iter().enumerate();
        Ok(lanes
            .filter(|(_, lane)| left(&lane.queue) == 0)
            .map(|(index, _)| index)
            .collect())
    }

    fn hand_over(&self, claim: Arc<Claim>, permits: &mut HashMap<String, OwnedSemaphorePermit>) {
        let lane = self.lanes.iter().find(|lane| lane.queue == claim.queue);
        let slot = permits
            .get_mut(&claim.queue)
            .and_then(|permits| permits.split(1));
        let (Some(lane), Some(slot)) = (lane, slot) else {
            return;
        };
        let cancelled = self.attempts.enter(claim.task_id, claim.token);
        // A closed channel means shutdown; the lease is then given up to the sweepers.
        let _ = lane.worker.send(Held {
            claim,
            cancelled,
            _slot: Arc::new(slot),
        });
    }
}

enum Wait {
    /// The database is unwell: wait this long.
    Out(Duration),
    /// Until something may be claimable; a slot of one of these lanes is as good a sign as a hint.
    ForWork(Vec<usize>),
}
