//! Claims that come in other ways: tasks of an answer that was lost, and those that were in a process
//! when it died.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::store::error::StoreError;
use crate::{
    store::{
        claim::{claim_suspect_limited, strays},
        session::{ANSWER, within},
    },
    worker::{
        channels::{Permits, slot_for},
        dispatcher::Dispatcher,
    },
};

impl Dispatcher {
    /// What is ours by the database's word, and we do not know of.
    pub(crate) async fn find_strays(&mut self) -> Result<(), StoreError> {
        let in_hand = self.attempts.tasks();
        let (connection, _) = self.link.get().await?;
        let finding = strays(connection, &self.lanes, self.worker_id, &in_hand);
        let found = within(ANSWER, finding).await?;
        if !found.is_empty() {
            tracing::info!(
                tasks = found.len(),
                "found tasks of a claim whose answer was lost"
            );
        }
        for claim in found {
            // It may be one too many for a moment: its slot is one that nobody holds.
            let slot = Arc::new(Semaphore::new(1));
            if let Ok(slot) = slot.try_acquire_owned() {
                self.hand_over(&claim, slot);
            }
        }
        Ok(())
    }

    /// Tries one of the tasks that were in a process when it died: beside others, or alone when
    /// that has happened to it before.
    pub(crate) async fn try_suspect(
        &mut self,
        permits: &mut Permits,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let demand = self.demands.of(permits, &self.slots);
        let (connection, _) = self.link.get().await?;
        let (id, limited) = (self.worker_id, self.limits.of(&demand));
        let claiming =
            claim_suspect_limited(connection, &self.lanes, &demand, &limited, id, self.lease);
        let Some(claim) = within(ANSWER, claiming).await? else {
            return Ok(());
        };
        let Some(slot) = slot_for(&claim, permits) else {
            return Ok(());
        };
        if claim.suspicion < 2 {
            self.hand_over(&claim, slot);
            return Ok(());
        }
        tracing::info!(run.id = %claim.run_id, task.id = %claim.task_id, "a suspect is tried alone");
        // The lease is renewed while the others come to their ends.
        permits.clear();
        self.slots.hold(true);
        let cancelled = self.attempts.insert(&claim);
        let alone = async {
            self.attempts.at_most(1).await;
            self.channels.send(&claim, cancelled, slot);
            self.attempts.at_most(0).await;
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = alone => {}
        }
        self.slots.hold(false);
        Ok(())
    }
}
