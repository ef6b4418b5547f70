//! Claims tasks of queues that have limits over all processes: on a task and a connection of its own,
//! so that other queues do not wait for what is decided here. Sleeps while there is no such queue.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::define::ids::WorkerId;
use crate::store::error::StoreError;
use crate::{
    protocol::task::Claim,
    store::{
        claim::{Demand, Limited, claim_limited},
        connection::Link,
        lanes::Lanes,
        session::{ANSWER, within},
    },
    worker::{
        channels::{Channels, Ending, Permits, Readiness, slot_for},
        demand::Demands,
        in_flight::InFlight,
        limits::Limits,
        metrics,
        slots::Slots,
    },
};

/// Time between two looks while a task runs alone in the process.
const ALONE: Duration = Duration::from_millis(200);

pub(crate) struct LimitedClaims {
    pub link: Link,
    pub channels: Channels,
    pub lanes: Arc<Lanes>,
    pub demands: Demands,
    pub worker_id: WorkerId,
    pub lease: Duration,
    pub poll: Duration,
    pub slots: Slots,
    pub limits: Limits,
    pub attempts: Arc<InFlight>,
    pub readiness: Readiness,
    pub astray: Arc<AtomicBool>,
}

/// When to look again.
enum Wait {
    No,
    For(Duration),
    /// At the next sign; a free slot of these channels is one.
    ForWork(Vec<usize>),
}

impl LimitedClaims {
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                ready = self.wait_until_ready() => if ready.is_err() {
                    break;
                }
            }
            let wait = match self.claim_once().await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(error = %error, "claim under limits failed");
                    // Its answer may have been lost: the dispatcher asks after it.
                    self.astray.store(true, Ordering::Release);
                    self.slots.wake();
                    Wait::For(self.link.disconnect())
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.pause(wait) => {}
            }
        }
        self.link.close().await;
    }

    /// Waits until there is a limit, and this process may claim.
    async fn wait_until_ready(&mut self) -> Result<(), Ending> {
        self.limits.some().await;
        self.readiness.wait().await
    }

    async fn pause(&self, wait: Wait) {
        let full = match wait {
            Wait::No => return,
            Wait::For(time) => return tokio::time::sleep(time).await,
            Wait::ForWork(full) => full,
        };
        let next = self.limits.next();
        tokio::select! {
            () = self.slots.limits_looked_for() => self.limits.stir(),
            () = self.limits.sooner() => {}
            () = self.channels.slot(&full), if !full.is_empty() => {}
            () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            () = tokio::time::sleep(self.poll) => {}
        }
    }

    async fn claim_once(&mut self) -> Result<Wait, StoreError> {
        if self.slots.holding() {
            return Ok(Wait::For(ALONE));
        }
        let (mut permits, full) = self.free_permits();
        let demand = self.demands.of(&permits, &self.slots);
        if demand.lanes.is_empty() {
            return Ok(Wait::ForWork(full));
        }
        let (connection, _) = self.link.get().await?;
        let claiming = claim_limited(connection, &self.lanes, &demand, self.worker_id, self.lease);
        let limited = within(ANSWER, claiming).await?;
        self.link.reset_backoff();
        let claimed = &limited.claimed;
        metrics::claimed(claimed.claims.len(), claimed.took);
        let more = self.note(&limited, &demand, &permits);
        for claim in limited.claimed.claims {
            if let Some(slot) = slot_for(&claim, &mut permits) {
                self.demands.served(&claim);
                self.hand_over(&claim, slot);
            }
        }
        if more {
            return Ok(Wait::No);
        }
        let mut used_up = self.channels.with(&permits, |left| left == Some(0));
        used_up.extend(full);
        Ok(Wait::ForWork(used_up))
    }

    /// Notes when each queue is to be claimed from again. Returns `true` if a queue gave as much as it was
    /// asked for and still has free slots, so that the next claim may follow at once.
    fn note(&self, limited: &Limited, demand: &Demand, permits: &Permits) -> bool {
        let mut taken: HashMap<&str, usize> = HashMap::new();
        for claim in &limited.claimed.claims {
            *taken.entry(claim.lane.queue).or_default() += 1;
        }
        let mut more = false;
        let asked = |queue: &&str| demand.lanes.iter().any(|lane| lane.queue == *queue);
        for (queue, permits) in permits.iter().filter(|(queue, _)| asked(queue)) {
            let Some(room) = limited.rooms.iter().find(|room| room.queue == *queue) else {
                self.limits.was_locked(queue);
                continue;
            };
            let taken = taken.get(queue).copied().unwrap_or_default();
            let free = permits.num_permits();
            if limited.claimed.more && taken > 0 && taken < free.min(room.slots) {
                more = true;
            } else {
                self.limits.asked(room, taken, free);
            }
        }
        more
    }

    /// The free slots of each queue whose limit is to be asked about now, and the channels that have none.
    fn free_permits(&self) -> (Permits, Vec<usize>) {
        let mut permits = Permits::new();
        let mut full = Vec::new();
        for (index, channel) in self.channels.0.iter().enumerate() {
            let mut lanes = self.lanes.iter().map(|(_, lane)| lane.queue);
            let Some(queue) = lanes.find(|queue| *queue == channel.queue) else {
                continue;
            };
            if !self.limits.due(queue) {
                continue;
            }
            match channel.free() {
                Some(free) if free.num_permits() > 0 => {
                    permits.insert(queue, free);
                }
                _ => full.push(index),
            }
        }
        (permits, full)
    }

    fn hand_over(&self, claim: &Arc<Claim>, slot: OwnedSemaphorePermit) {
        let cancelled = self.attempts.insert(claim);
        self.limits.began(claim);
        self.channels.send(claim, cancelled, slot);
    }
}
