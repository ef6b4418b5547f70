//! The attempts this process has in hand.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::plan::Claim;

/// A claimed task on its way through the worker. Its slot is free when the last clone is gone.
#[derive(Clone)]
pub(crate) struct Held {
    pub claim: Arc<Claim>,
    /// Fires when the attempt loses its right to work.
    pub cancelled: CancellationToken,
    pub _slot: Arc<OwnedSemaphorePermit>,
}

/// The attempt was stopped from outside, without blame.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

#[derive(Default)]
pub(crate) struct Attempts {
    in_hand: Mutex<HashMap<Uuid, (i64, CancellationToken)>>,
}

impl Attempts {
    /// Enters an attempt; the returned token fires when it loses its right to work.
    pub fn enter(&self, task_id: Uuid, token: i64) -> CancellationToken {
        let cancelled = CancellationToken::new();
        self.lock().insert(task_id, (token, cancelled.clone()));
        cancelled
    }

    /// Forgets an attempt that was settled.
    pub fn leave(&self, task_id: Uuid, token: i64) {
        let mut in_hand = self.lock();
        if in_hand
            .get(&task_id)
            .is_some_and(|(held, _)| *held == token)
        {
            in_hand.remove(&task_id);
        }
    }

    pub fn snapshot(&self) -> Vec<(Uuid, i64)> {
        self.lock()
            .iter()
            .map(|(task, (token, _))| (*task, *token))
            .collect()
    }

    /// Cancels an attempt whose lease is somebody else's now.
    pub fn cancel(&self, task_id: Uuid, token: i64) -> bool {
        match self.lock().get(&task_id) {
            Some((held, cancelled)) if *held == token => {
                cancelled.cancel();
                true
            }
            _ => false,
        }
    }

    pub fn cancel_all(&self) {
        for (_, cancelled) in self.lock().values() {
            cancelled.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, (i64, CancellationToken)>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
