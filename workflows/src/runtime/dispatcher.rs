//! Claims tasks for the free slots of this process and hands them to the queues' workers. It
//! claims no more than can begin at once, so nothing waits claimed behind something slow.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    attempts::{Attempts, Held},
    fronts::Fronts,
    link::{Link, QUERY_TIMEOUT, jittered, within},
    meters,
    slots::Slots,
};
use crate::{
    claim::Claim,
    store::{
        claim::{Demand, claim},
        lanes::Lanes,
    },
};

/// Slots that become free this close together are filled by one claim, as long as they are few.
const TOGETHER: Duration = Duration::from_millis(3);
/// A claim does not wait for more than this part of a queue's slots.
const FEW: usize = 4;

/// One queue's slots and its way to the worker.
pub(crate) struct Desk {
    pub queue: String,
    /// How many there are in all.
    pub slots: usize,
    pub permits: Arc<Semaphore>,
    pub worker: mpsc::UnboundedSender<Held>,
}

pub(crate) struct Dispatcher {
    pub link: Link,
    pub desks: Vec<Desk>,
    pub lanes: Arc<Lanes>,
    /// Steps that this build has, with their lane.
    pub steps: Vec<(i32, &'static str)>,
    /// The key served last in each lane. The next claim begins behind it, so keys take turns.
    pub served: HashMap<i32, i64>,
    /// When each lane was served last, counted in claims: the one that waits longest comes first.
    pub turns: HashMap<i32, u64>,
    pub fronts: Fronts,
    pub worker_id: i64,
    pub lease: Duration,
    pub poll: Duration,
    pub slots: Slots,
    pub attempts: Arc<Attempts>,
    /// Whether others see that this process lives. Without it nothing is claimed.
    pub present: watch::Receiver<bool>,
    /// Whether ends of attempts can be written. What is claimed without would be done in vain.
    pub committing: watch::Receiver<bool>,
}

impl Dispatcher {
    /// Runs until `stop`; the workers' channels close when it returns.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                gone = self.fit() => if gone {
                    break;
                }
            }
            let wait = match self.claim_once().await {
                Ok(wait) => wait,
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
        let again = self.fronts.again_in().unwrap_or(self.poll);
        let slot = async {
            let waits = full
                .iter()
                .map(|desk| Box::pin(self.desks[*desk].permits.acquire()));
            let _ = futures::future::select_all(waits).await;
        };
        tokio::select! {
            // With every slot taken a claim would be a wasted query, whatever the hints say.
            () = self.slots.looked_for(), if full.len() < self.desks.len() => {}
            // Others are about to be free too: one claim for all of them.
            () = slot, if !full.is_empty() => self.more_slots(&full).await,
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
    async fn claim_once(&mut self) -> Result<Wait, sqlx::Error> {
        let mut permits: HashMap<&'static str, OwnedSemaphorePermit> = HashMap::new();
        let mut demand = Demand {
            lanes: Vec::new(),
            steps: self.steps.clone(),
            fronts: None,
        };
        for (number, lane) in self.lanes.iter() {
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
            let free = permits
                .get(lane.queue)
                .map_or(0, OwnedSemaphorePermit::num_permits);
            if free > 0 {
                self.slots.looking(lane.queue);
                let served = self.served.get(&number).copied().unwrap_or(i64::MIN);
                demand.lanes.push((number, lane.queue, free, served));
            }
        }
        let mut more = false;
        if !demand.lanes.is_empty() {
            let turns = &self.turns;
            demand
                .lanes
                .sort_by_key(|(lane, ..)| turns.get(lane).copied());
            demand.fronts = self.fronts.known(&demand.lanes);
            let (connection, _) = self.link.get().await?;
            let began = Instant::now();
            let span = tracing::debug_span!("claim", worker.id = self.worker_id);
            let claiming = claim(connection, &self.lanes, &demand, self.worker_id, self.lease)
                .instrument(span);
            let (claims, left) = within(QUERY_TIMEOUT, claiming).await?;
            self.link.mend();
            meters::claimed(claims.len(), began.elapsed());
            let numbered = claims.iter().map(|claim| {
                (
                    self.lanes.number_of(&claim.lane).unwrap_or_default(),
                    &**claim,
                )
            });
            self.fronts
                .learn(numbered, began.elapsed(), demand.fronts.is_none());
            more = left;
            for claim in claims {
                self.hand_over(claim, &mut permits);
            }
        }
        Ok(self.next_look(more, &permits))
    }

    /// At once while slots are free and shares were used up; otherwise at the next hint, or when a
    /// slot becomes free of a queue that has none, before or after the claim.
    fn next_look(&self, more: bool, permits: &HashMap<&'static str, OwnedSemaphorePermit>) -> Wait {
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
                .filter(|(_, desk)| left(desk) == 0)
                .map(|(index, _)| index)
                .collect(),
        )
    }

    fn hand_over(
        &mut self,
        claim: Arc<Claim>,
        permits: &mut HashMap<&'static str, OwnedSemaphorePermit>,
    ) {
        let desk = self
            .desks
            .iter()
            .find(|desk| desk.queue == claim.lane.queue);
        let slot = permits
            .get_mut(claim.lane.queue)
            .and_then(|permits| permits.split(1));
        let (Some(desk), Some(slot)) = (desk, slot) else {
            return;
        };
        if let Some(number) = self.lanes.number_of(&claim.lane) {
            self.served.insert(number, claim.key);
            let latest = self.turns.values().max().copied().unwrap_or_default();
            self.turns.insert(number, latest + 1);
        }
        let cancelled = self.attempts.enter(&claim);
        // A closed channel means shutdown; the lease is then given up to the sweepers.
        let _ = desk.worker.send(Held {
            claim,
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
