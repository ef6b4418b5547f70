//! Claims tasks for the free slots of this process and hands them to the queues' workers. It
//! claims no more than can begin at once, so nothing waits claimed behind something slow.

mod apart;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::define::ids::WorkerId;
use crate::store::error::StoreError;
use crate::{
    protocol::task::Claim,
    store::{
        claim::{Claimed, claim},
        connection::{Link, jittered},
        lanes::Lanes,
        session::{ANSWER, within},
    },
    worker::{
        channels::{Channels, Permits, Readiness, slot_for},
        demand::Demands,
        in_flight::InFlight,
        limits::Limits,
        metrics,
        slots::Slots,
    },
};

/// Slots that become free this close together are filled by one claim, as long as they are few.
const TOGETHER: Duration = Duration::from_millis(3);
/// Fewer than a quarter of a queue's slots are few.
const FEW: usize = 4;

/// The worker of a queue is gone: nobody takes what is claimed.
#[derive(Debug, thiserror::Error)]
#[error("the worker of the queue {0} has ended")]
pub(crate) struct WorkerGone(String);

pub(crate) struct Dispatcher {
    pub link: Link,
    pub channels: Channels,
    pub lanes: Arc<Lanes>,
    pub demands: Demands,
    pub worker_id: WorkerId,
    pub lease: Duration,
    pub poll: Duration,
    pub slots: Slots,
    pub attempts: Arc<InFlight>,
    pub readiness: Readiness,
    /// The answer of a claim or of a commit may have been lost.
    pub astray: Arc<AtomicBool>,
    /// Queues that are none of its business, but for suspects.
    pub limits: Limits,
}

impl Dispatcher {
    /// Runs until `stop`; the workers' channels close when it returns.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), WorkerGone> {
        while !stop.is_cancelled() {
            let mut channels = self.channels.0.iter();
            if let Some(channel) = channels.find(|channel| channel.worker.is_closed()) {
                return Err(WorkerGone(channel.queue.clone()));
            }
            tokio::select! {
                () = stop.cancelled() => break,
                ready = self.readiness.wait() => if ready.is_err() {
                    break;
                }
            }
            let wait = match self.claim_once(&stop).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(error = %error, "claim failed");
                    self.astray.store(true, Ordering::Release);
                    Wait::Out(self.link.disconnect())
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.pause(wait) => {}
            }
        }
        self.link.close().await;
        Ok(())
    }

    async fn pause(&self, wait: Wait) {
        let full = match wait {
            Wait::No => {
                let all: Vec<usize> = (0..self.channels.0.len()).collect();
                return self.more_slots(&all).await;
            }
            Wait::Out(time) => return tokio::time::sleep(time).await,
            Wait::ForWork(full) => full,
        };
        let again = self.demands.again_in().unwrap_or(self.poll);
        let channels = &self.channels.0;
        let gone = channels
            .iter()
            .map(|channel| Box::pin(channel.worker.closed()));
        tokio::select! {
            // With every slot taken a claim would be a wasted query, whatever the hints say.
            () = self.slots.woken(), if full.len() < channels.len() => {}
            // Others are about to be free too: one claim for all of them.
            () = self.channels.slot(&full), if !full.is_empty() => self.more_slots(&full).await,
            _ = futures::future::select_all(gone), if !channels.is_empty() => {}
            () = tokio::time::sleep(jittered(self.poll)) => {}
            () = tokio::time::sleep(again), if again < self.poll => {}
        }
    }

    /// Waits a little, unless a good part of one of the queues is free already.
    async fn more_slots(&self, full: &[usize]) {
        let deadline = Instant::now() + TOGETHER;
        let few = |channel: &usize| {
            let channel = &self.channels.0[*channel];
            channel.permits.available_permits() * FEW < channel.slots
        };
        while full.iter().all(few) && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Takes what there is for the free slots and says when to look again.
    async fn claim_once(&mut self, stop: &CancellationToken) -> Result<Wait, StoreError> {
        if self.astray.swap(false, Ordering::AcqRel) {
            self.find_strays().await?;
        }
        let mut permits = self.free_permits();
        if self.slots.suspects() && !self.attempts.has_suspect() {
            self.try_suspect(&mut permits, stop).await?;
        }
        self.limits.leave_out(&mut permits);
        let mut more = false;
        let demand = self.demands.of(&permits, &self.slots);
        if !demand.lanes.is_empty() {
            let (connection, _) = self.link.get().await?;
            let span = tracing::debug_span!("claim", worker.id = self.worker_id.0);
            let claiming = claim(connection, &self.lanes, &demand, self.worker_id, self.lease)
                .instrument(span);
            let claimed = within(ANSWER, claiming).await?;
            self.link.reset_backoff();
            metrics::claimed(claimed.claims.len(), claimed.took);
            self.demands
                .learn(&self.lanes, &claimed, demand.fronts.is_none());
            more = claimed.more;
            self.hand_over_all(claimed, &mut permits);
        }
        Ok(self.next_look(more, &permits))
    }

    /// The free slots of each queue, held until the claim is answered.
    fn free_permits(&self) -> Permits {
        let mut permits = Permits::new();
        for (_, lane) in self.lanes.iter() {
            let mut channels = self.channels.0.iter();
            if !permits.contains_key(lane.queue)
                && let Some(channel) = channels.find(|channel| channel.queue == lane.queue)
                && let Some(free) = channel.free()
            {
                permits.insert(lane.queue, free);
            }
        }
        permits
    }

    /// When to claim next:
    /// - at once, while slots are free and a lane gave as much as it was asked for (`more`);
    /// - otherwise at the next hint;
    /// - or when a slot becomes free in a queue that had none, before the claim or after it.
    fn next_look(&self, more: bool, permits: &Permits) -> Wait {
        let mut full = self.channels.with(permits, |left| left.unwrap_or(0) == 0);
        if more && full.len() < self.channels.0.len() {
            return Wait::No;
        }
        full.retain(|channel| !self.limits.has(&self.channels.0[*channel].queue));
        Wait::ForWork(full)
    }

    fn hand_over_all(&mut self, claimed: Claimed, permits: &mut Permits) {
        for claim in claimed.claims {
            if let Some(slot) = slot_for(&claim, permits) {
                self.demands.served(&claim);
                self.hand_over(&claim, slot);
            }
        }
    }

    fn hand_over(&self, claim: &Arc<Claim>, slot: OwnedSemaphorePermit) {
        let cancelled = self.attempts.insert(claim);
        self.channels.send(claim, cancelled, slot);
    }
}

enum Wait {
    /// There may be more: as soon as it is worth a claim.
    No,
    /// The database is unwell: wait this long.
    Out(Duration),
    /// Until a hint arrives, or until a slot becomes free in one of these channels, by their index: those
    /// queues were full, so more work may be waiting than they could take.
    ForWork(Vec<usize>),
}
