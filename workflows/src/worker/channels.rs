//! The queues of this process: their slots, and the way to their workers. Whoever claims uses them.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{protocol::task::Claim, worker::in_flight::Held};

/// Free slots that a claim holds until it is answered, by queue.
pub(crate) type Permits = HashMap<&'static str, OwnedSemaphorePermit>;

/// One queue's slots and its way to the worker.
#[derive(Clone)]
pub(crate) struct QueueChannel {
    pub queue: String,
    /// How many there are in all.
    pub slots: usize,
    pub permits: Arc<Semaphore>,
    pub worker: mpsc::UnboundedSender<Held>,
}

impl QueueChannel {
    /// All slots that are free now. `None` when somebody else is just taking them.
    pub fn free(&self) -> Option<OwnedSemaphorePermit> {
        let free = u32::try_from(self.permits.available_permits()).unwrap_or(u32::MAX);
        Arc::clone(&self.permits).try_acquire_many_owned(free).ok()
    }
}

/// All of them.
#[derive(Clone)]
pub(crate) struct Channels(pub Vec<QueueChannel>);

impl Channels {
    /// Waits for a free slot of one of these, by their index. There must be one at least.
    pub async fn slot(&self, of: &[usize]) {
        let waits = of
            .iter()
            .map(|channel| Box::pin(self.0[*channel].permits.acquire()));
        let _ = futures::future::select_all(waits).await;
    }

    /// Those of which a claim holds so many slots, by their index.
    pub fn with(&self, permits: &Permits, slots: impl Fn(Option<usize>) -> bool) -> Vec<usize> {
        let held = |channel: &QueueChannel| {
            let held = permits.get(channel.queue.as_str());
            slots(held.map(OwnedSemaphorePermit::num_permits))
        };
        let channels = self.0.iter().enumerate();
        channels
            .filter(|(_, channel)| held(channel))
            .map(|(index, _)| index)
            .collect()
    }

    /// Hands a claim to its queue's worker.
    pub fn send(
        &self,
        claim: &Arc<Claim>,
        cancelled: CancellationToken,
        slot: OwnedSemaphorePermit,
    ) {
        let mut channels = self.0.iter();
        if let Some(channel) = channels.find(|channel| channel.queue == claim.lane.queue) {
            // A worker that has ended leaves it among the attempts that were not begun: the dispatcher's
            // loop sees that next, and the engine gives them back.
            let _ = channel.worker.send(Held {
                claim: Arc::clone(claim),
                cancelled,
                _slot: Arc::new(slot),
            });
        }
    }
}

/// Takes one slot for the claim out of what is held of its queue.
pub(crate) fn slot_for(claim: &Claim, permits: &mut Permits) -> Option<OwnedSemaphorePermit> {
    permits
        .get_mut(claim.lane.queue)
        .and_then(|permits| permits.split(1))
}

/// What has to be true before anything is claimed.
#[derive(Clone)]
pub(crate) struct Readiness {
    /// Others see that this process lives.
    pub present: watch::Receiver<bool>,
    /// Ends of attempts can be written. What is claimed without would be done in vain.
    pub committing: watch::Receiver<bool>,
}

/// The parts that say whether this process may claim have ended.
pub(crate) struct Ending;

impl Readiness {
    pub async fn wait(&mut self) -> Result<(), Ending> {
        for told in [&mut self.present, &mut self.committing] {
            told.wait_for(|well| *well).await.map_err(|_| Ending)?;
        }
        Ok(())
    }
}
