//! The attempts this process has in hand.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::define::ids::{FencingToken, TaskId};
use crate::protocol::{stop::Stop, task::Claim};

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

struct Attempt {
    claim: Arc<Claim>,
    cancelled: CancellationToken,
    since: Instant,
    begun: bool,
}

/// What tells an attempt from others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InHand {
    pub task_id: TaskId,
    pub token: FencingToken,
}

#[derive(Default)]
pub(crate) struct InFlight {
    in_hand: Mutex<HashMap<TaskId, Attempt>>,
    /// Wakes whoever waits for fewer attempts.
    fewer: Notify,
}

impl InFlight {
    /// Enters an attempt; the returned token fires when it loses its right to work.
    pub fn insert(&self, claim: &Arc<Claim>) -> CancellationToken {
        let cancelled = CancellationToken::new();
        let in_hand = Attempt {
            claim: Arc::clone(claim),
            cancelled: cancelled.clone(),
            since: Instant::now(),
            begun: false,
        };
        // An attempt that was taken from us and came back while we were still at it.
        if let Some(earlier) = self.lock().insert(claim.task_id, in_hand) {
            earlier.cancelled.cancel();
        }
        cancelled
    }

    /// The attempt's step is entered now. `false` when it must not be: it was given back.
    pub fn start(&self, claim: &Claim) -> bool {
        match self.lock().get_mut(&claim.task_id) {
            Some(attempt) if attempt.claim.token == claim.token => {
                attempt.begun = true;
                true
            }
            _ => false,
        }
    }

    /// Forgets an attempt that was completed.
    pub fn remove(&self, claim: &Claim) {
        let mut in_hand = self.lock();
        let held = in_hand.get(&claim.task_id);
        if held.is_some_and(|held| held.claim.token == claim.token) {
            in_hand.remove(&claim.task_id);
            drop(in_hand);
            self.fewer.notify_waiters();
        }
    }

    /// Takes out an attempt that was not begun; it cannot begin any more. `false` when somebody else
    /// was faster.
    pub fn take(&self, claim: &Claim) -> bool {
        let mut in_hand = self.lock();
        let held = in_hand.get(&claim.task_id);
        let here = held.is_some_and(|held| held.claim.token == claim.token && !held.begun);
        if here {
            in_hand.remove(&claim.task_id);
        }
        here
    }

    /// Takes out the attempts that were claimed and not begun; they cannot begin any more.
    pub fn drain_unstarted(&self) -> Vec<Arc<Claim>> {
        let mut in_hand = self.lock();
        let unbegun = in_hand.extract_if(|_, attempt| !attempt.begun);
        unbegun.map(|(_, attempt)| attempt.claim).collect()
    }

    /// The attempts in hand for at least `age`.
    pub fn older_than(&self, age: Duration) -> Vec<InHand> {
        self.lock()
            .values()
            .filter(|attempt| attempt.since.elapsed() >= age)
            .map(|attempt| InHand {
                task_id: attempt.claim.task_id,
                token: attempt.claim.token,
            })
            .collect()
    }

    pub fn any_older_than(&self, age: Duration) -> bool {
        let in_hand = self.lock();
        in_hand
            .values()
            .any(|attempt| attempt.since.elapsed() >= age)
    }

    /// The tasks of all attempts in hand.
    pub fn tasks(&self) -> Vec<TaskId> {
        self.lock().keys().copied().collect()
    }

    /// Whether one of them was in a process when it died.
    pub fn has_suspect(&self) -> bool {
        let in_hand = self.lock();
        in_hand.values().any(|attempt| attempt.claim.suspicion > 0)
    }

    /// Waits until there are at most so many.
    pub async fn at_most(&self, count: usize) {
        loop {
            let fewer = self.fewer.notified();
            if self.lock().len() <= count {
                return;
            }
            // Those that are taken out in other ways are seen here.
            let _ = tokio::time::timeout(Duration::from_millis(500), fewer).await;
        }
    }

    /// Cancels an attempt whose lease is somebody else's now.
    pub fn cancel(&self, task_id: TaskId, token: FencingToken) -> bool {
        match self.lock().get(&task_id) {
            Some(attempt) if attempt.claim.token == token => {
                attempt.cancelled.cancel();
                true
            }
            _ => false,
        }
    }

    /// Cancels what is under way of a run that was taken away.
    pub fn stop(&self, stop: Stop) {
        for attempt in self.lock().values() {
            let claim = &attempt.claim;
            if claim.run_id == stop.run_id && claim.token <= stop.newest {
                attempt.cancelled.cancel();
            }
        }
    }

    pub fn cancel_all(&self) {
        for attempt in self.lock().values() {
            attempt.cancelled.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TaskId, Attempt>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
