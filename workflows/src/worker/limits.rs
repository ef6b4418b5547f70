//! What this process knows of limits over all processes: which queues have one, and when to ask again
//! what it allows. Asking costs a transaction, so nobody asks more often than it can be of use.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use crate::define::ids::TaskId;
use crate::{
    protocol::task::Claim,
    store::{
        claim::{Demand, Room},
        connection::jittered,
    },
    worker::channels::Permits,
};

/// Shortest time between two claims from the same limited queue.
const BRIEF: Duration = Duration::from_millis(20);
/// Time until the next claim after the limit was found used up. Other processes do not announce when
/// their tasks end, so this is a poll.
const OTHERS: Duration = Duration::from_millis(200);
/// After a task has ended, this process waits for this fraction (1/20) of the task's run time, at most
/// [`OTHERS`], before it claims again, so that one process does not keep a limit to itself.
const COURTESY: u32 = 20;

/// Which queues have limits, and when to claim from each again. Clones share it.
#[derive(Clone)]
pub(crate) struct Limits {
    state: Arc<Mutex<State>>,
    any: watch::Sender<bool>,
    sooner: Arc<Notify>,
}

#[derive(Default)]
struct State {
    /// Queues that have limits.
    queues: BTreeSet<String>,
    /// Limited queues that are not claimed from until [`Aside::until`].
    aside: BTreeMap<String, Aside>,
    /// When this process began an attempt, by task. Of limited queues only.
    running: HashMap<TaskId, Instant>,
}

struct Aside {
    until: Instant,
    /// Tasks wait, so the queue is claimed from again at `until`. Otherwise only after
    /// [`Limits::stir`].
    waiting: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            state: Arc::default(),
            any: watch::Sender::new(false),
            sooner: Arc::default(),
        }
    }
}

impl Limits {
    /// Stores which queues have limits. Returns whether that has changed.
    pub fn heard(&self, limited: &[String]) -> bool {
        let mut state = self.lock();
        let new = limited.len() != state.queues.len()
            || limited.iter().any(|queue| !state.queues.contains(queue));
        if new {
            state.queues = limited.iter().cloned().collect();
            state.aside.clear();
            if limited.is_empty() {
                state.running.clear();
            }
            self.any.send_replace(!limited.is_empty());
            self.sooner.notify_one();
        }
        new
    }

    /// Waits until some queue has a limit.
    pub async fn some(&self) {
        let _ = self.any.subscribe().wait_for(|any| *any).await;
    }

    pub fn has(&self, queue: &str) -> bool {
        *self.any.borrow() && self.lock().queues.contains(queue)
    }

    /// Those of a demand's queues that have limits.
    pub fn of(&self, demand: &Demand) -> HashSet<String> {
        let lanes = demand.lanes.iter().map(|lane| lane.queue);
        let limited = lanes.filter(|queue| self.has(queue));
        limited.map(str::to_owned).collect()
    }

    /// Leaves the slots of queues with limits to [`limited`](crate::worker::limited).
    pub fn leave_out(&self, permits: &mut Permits) {
        if *self.any.borrow() {
            permits.retain(|queue, _| !self.has(queue));
        }
    }

    /// Whether to ask about a queue's limit now.
    pub fn due(&self, queue: &str) -> bool {
        let mut state = self.lock();
        let now = Instant::now();
        let over = |aside: &Aside| aside.until <= now;
        if state.aside.get(queue).is_some_and(over) {
            state.aside.remove(queue);
        }
        state.queues.contains(queue) && !state.aside.contains_key(queue)
    }

    /// Earliest time at which a queue with waiting tasks may be claimed from again.
    pub fn next(&self) -> Option<Instant> {
        let state = self.lock();
        let aside = state.aside.values().filter(|aside| aside.waiting);
        aside.map(|aside| aside.until).min()
    }

    /// New work may have arrived: every queue is claimed from again at its time.
    pub fn stir(&self) {
        for aside in self.lock().aside.values_mut() {
            aside.waiting = true;
        }
    }

    /// Somebody else was using the limit.
    pub fn was_locked(&self, queue: &str) {
        self.set_aside(queue, jittered(BRIEF), true);
    }

    /// A claim took `taken` tasks for `free` slots where there was `room`.
    pub fn asked(&self, room: &Room, taken: usize, free: usize) {
        let all = taken >= room.slots && taken < free;
        match room.next_in(taken) {
            Some(wait) if all && !wait.is_zero() => {
                self.set_aside(&room.queue, wait.max(BRIEF), room.waiting);
            }
            _ if all => self.set_aside(&room.queue, jittered(OTHERS), room.waiting),
            // The waiting tasks are of fairness keys that are at their own limit.
            _ if room.waiting && room.limits_keys() => {
                self.set_aside(&room.queue, jittered(OTHERS), true);
            }
            // Either every free slot was filled, or nothing more was waiting.
            _ => self.set_aside(&room.queue, BRIEF, room.waiting && taken >= free),
        }
    }

    fn set_aside(&self, queue: &str, time: Duration, waiting: bool) {
        let until = Instant::now() + time;
        let aside = Aside { until, waiting };
        self.lock().aside.insert(queue.to_owned(), aside);
    }

    /// A task of a queue with a limit was claimed here.
    pub fn began(&self, claim: &Claim) {
        let mut state = self.lock();
        state.running.insert(claim.task_id, Instant::now());
    }

    /// An attempt has ended, and its end is in the database.
    pub fn ended(&self, claim: &Claim) {
        if !*self.any.borrow() {
            return;
        }
        let mut state = self.lock();
        let Some(since) = state.running.remove(&claim.task_id) else {
            return;
        };
        let courtesy = (since.elapsed() / COURTESY).min(OTHERS);
        let again = Instant::now() + jittered(courtesy);
        if let Some(aside) = state.aside.get_mut(claim.lane.queue) {
            aside.until = aside.until.min(again);
            self.sooner.notify_one();
        }
    }

    /// Returns when the time of a queue was moved forward.
    pub async fn sooner(&self) {
        self.sooner.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited() -> Limits {
        let limits = Limits::default();
        assert!(limits.heard(&["narrow".to_owned()]));
        assert!(!limits.heard(&["narrow".to_owned()]), "that is not new");
        limits
    }

    #[test]
    fn only_queues_with_limits_are_asked_about() {
        let limits = limited();
        assert!(limits.has("narrow") && !limits.has("wide"));
        assert!(limits.due("narrow") && !limits.due("wide"));
        assert!(limits.heard(&[]));
        assert!(!limits.has("narrow") && !limits.due("narrow"));
    }

    #[test]
    fn a_limit_that_is_used_up_is_asked_about_again_while_something_waits() {
        let limits = limited();
        limits.asked(&Room::of("narrow", 2, true, None), 2, 9);
        assert!(!limits.due("narrow"));
        let again = limits.next().expect("something waits");
        assert!(again <= Instant::now() + OTHERS);
        limits.asked(&Room::of("narrow", 0, false, None), 0, 9);
        assert_eq!(limits.next(), None, "nobody asks in vain");
        limits.stir();
        assert!(limits.next().is_some(), "there are news");
    }

    #[test]
    fn a_rate_says_when_it_allows_more() {
        let limits = limited();
        // Two of ten in a second are saved up.
        limits.asked(&Room::of("narrow", 2, true, Some((10.0, 2.0))), 2, 9);
        let wait = limits.next().expect("something waits") - Instant::now();
        let tenth = Duration::from_millis(100);
        assert!(wait <= tenth && wait > tenth / 2, "{wait:?}");
    }

    #[test]
    fn free_slots_that_were_filled_are_no_sign_of_an_end() {
        let limits = limited();
        limits.asked(&Room::of("narrow", 50, true, None), 4, 4);
        let soon = limits.next().expect("more may wait");
        assert!(soon <= Instant::now() + BRIEF);
    }
}
