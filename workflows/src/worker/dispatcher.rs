//! Claims tasks for the free slots of this process and hands them to the queues' workers. It
//! claims no more than can begin at once, so nothing waits claimed behind something slow.

mod apart;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    protocol::task::Claim,
    store::{
        claim::{Claimed, claim},
        connection::{Link, jittered},
        lanes::Lanes,
        session::{ANSWER, within},
    },
    worker::{
        demand::Demands,
        in_flight::{Attempts, Held},
        limits::Limits,
        metrics,
        slots::Slots,
    },
};

/// Slots that become free this close together are filled by one claim, as long as they are few.
const TOGETHER: Duration = Duration::from_millis(3);
/// A claim does not wait for more than this part of a queue's slots.
const FEW: usize = 4;

/// One queue's slots and its way to the worker.
#[derive(Clone)]
pub(crate) struct Desk {
    pub queue: String,
    /// How many there are in all.
    pub slots: usize,
    pub permits: Arc<Semaphore>,
    pub worker: mpsc::UnboundedSender<Held>,
}

/// The worker of a queue is gone: nobody takes what is claimed.
#[derive(Debug, thiserror::Error)]
#[error("the worker of the queue {0} has ended")]
pub(crate) struct WorkerGone(String);

pub(crate) struct Dispatcher {
    pub link: Link,
    pub desks: Vec<Desk>,
    pub lanes: Arc<Lanes>,
    pub demands: Demands,
    pub worker_id: i64,
    pub lease: Duration,
    pub poll: Duration,
    pub slots: Slots,
    pub attempts: Arc<Attempts>,
    /// Whether others see that this process lives. Without it nothing is claimed.
    pub present: watch::Receiver<bool>,
    /// Whether ends of attempts can be written. What is claimed without would be done in vain.
    pub committing: watch::Receiver<bool>,
    /// The answer of a claim or of a commit may have been lost.
    pub astray: Arc<AtomicBool>,
    /// Queues that are none of its business, but for suspects.
    pub limits: Limits,
}

pub(crate) type Permits = HashMap<&'static str, OwnedSemaphorePermit>;

impl Dispatcher {
    /// Runs until `stop`; the workers' channels close when it returns.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), WorkerGone> {
        while !stop.is_cancelled() {
            let gone = self.desks.iter().find(|desk| desk.worker.is_closed());
            if let Some(desk) = gone {
                return Err(WorkerGone(desk.queue.clone()));
            }
            tokio::select! {
                () = stop.cancelled() => break,
                gone = self.fit() => if gone {
                    break;
                }
            }
            let wait = match self.claim_once(&stop).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(error = %error, "claim failed");
                    self.astray.store(true, Ordering::Release);
                    Wait::Out(self.link.lose())
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

    /// Waits until others can see this process and its commits come through. `true`: it ends.
    async fn fit(&mut self) -> bool {
        let present = self.present.wait_for(|present| *present).await.is_err();
        present
            || self
                .committing
                .wait_for(|committing| *committing)
                .await
                .is_err()
    }

    async fn pause(&self, wait: Wait) {
        let full = match wait {
            Wait::No => {
                return self
                    .more_slots(&(0..self.desks.len()).collect::<Vec<_>>())
                    .await;
            }
            Wait::Out(time) => return tokio::time::sleep(time).await,
            Wait::ForWork(full) => full,
        };
        let again = self.demands.again_in().unwrap_or(self.poll);
        let slot = async {
            let waits = full
                .iter()
                .map(|desk| Box::pin(self.desks[*desk].permits.acquire()));
            let _ = futures::future::select_all(waits).await;
        };
        let gone = futures::future::select_all(
            self.desks.iter().map(|desk| Box::pin(desk.worker.closed())),
        );
        tokio::select! {
            // With every slot taken a claim would be a wasted query, whatever the hints say.
            () = self.slots.looked_for(), if full.len() < self.desks.len() => {}
            // Others are about to be free too: one claim for all of them.
            () = slot, if !full.is_empty() => self.more_slots(&full).await,
            _ = gone, if !self.desks.is_empty() => {}
            () = tokio::time::sleep(jittered(self.poll)) => {}
            () = tokio::time::sleep(again), if again < self.poll => {}
        }
    }

    /// Waits a little, unless a good part of one of the queues is free already.
    async fn more_slots(&self, full: &[usize]) {
        let deadline = Instant::now() + TOGETHER;
        let few = |desk: &usize| {
            let desk = &self.desks[*desk];
            desk.permits.available_permits() * FEW < desk.slots
        };
        while full.iter().all(few) && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Takes what there is for the free slots and says when to look again.
    async fn claim_once(&mut self, stop: &CancellationToken) -> Result<Wait, sqlx::Error> {
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
            let span = tracing::debug_span!("claim", worker.id = self.worker_id);
            let claiming = claim(connection, &self.lanes, &demand, self.worker_id, self.lease)
                .instrument(span);
            let claimed = within(ANSWER, claiming).await?;
            self.link.mend();
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
            let Some(desk) = self.desks.iter().find(|desk| desk.queue == lane.queue) else {
                continue;
            };
            if !permits.contains_key(lane.queue) {
                let free = desk.permits.available_permits();
                let wanted = u32::try_from(free).unwrap_or(u32::MAX);
                if let Ok(permit) = Arc::clone(&desk.permits).try_acquire_many_owned(wanted) {
                    permits.insert(lane.queue, permit);
                }
            }
        }
        permits
    }

    /// At once while slots are free and shares were used up; otherwise at the next hint, or when a
    /// slot becomes free of a queue that has none, before or after the claim.
    fn next_look(&self, more: bool, permits: &Permits) -> Wait {
        let left = |desk: &Desk| {
            permits
                .get(desk.queue.as_str())
                .map_or(0, OwnedSemaphorePermit::num_permits)
        };
        if more && self.desks.iter().any(|desk| left(desk) > 0) {
            return Wait::No;
        }
        let desks = self.desks.iter().enumerate();
        Wait::ForWork(
            desks
                .filter(|(_, desk)| left(desk) == 0 && !self.limits.has(&desk.queue))
                .map(|(index, _)| index)
                .collect(),
        )
    }

    fn hand_over_all(&mut self, claimed: Claimed, permits: &mut Permits) {
        for claim in claimed.claims {
            let slot = permits
                .get_mut(claim.lane.queue)
                .and_then(|permits| permits.split(1));
            if let Some(slot) = slot {
                self.demands.served(&claim);
                self.hand_over(&claim, slot);
            }
        }
    }

    fn hand_over(&self, claim: &Arc<Claim>, slot: OwnedSemaphorePermit) {
        let cancelled = self.attempts.enter(claim);
        self.send(claim, cancelled, slot);
    }

    fn send(&self, claim: &Arc<Claim>, cancelled: CancellationToken, slot: OwnedSemaphorePermit) {
        send(&self.desks, claim, cancelled, slot);
    }
}

/// Hands a claim to its queue's worker.
pub(crate) fn send(
    desks: &[Desk],
    claim: &Arc<Claim>,
    cancelled: CancellationToken,
    slot: OwnedSemaphorePermit,
) {
    let mut desks = desks.iter();
    if let Some(desk) = desks.find(|desk| desk.queue == claim.lane.queue) {
        // A worker that has ended leaves it among the attempts that were not begun: the dispatcher's
        // loop sees that next, and the engine gives them back.
        let _ = desk.worker.send(Held {
            claim: Arc::clone(claim),
            cancelled,
            _slot: Arc::new(slot),
        });
    }
}

enum Wait {
    /// There may be more: as soon as it is worth a claim.
    No,
    /// The database is unwell: wait this long.
    Out(Duration),
    /// Until something may be claimable; a slot of one of these desks is as good a sign as a hint.
    ForWork(Vec<usize>),
}
