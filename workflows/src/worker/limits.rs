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
use uuid::Uuid;

use crate::{
    protocol::task::Claim,
    store::{
        claim::{Demand, Room},
        connection::jittered,
    },
    worker::dispatcher::Permits,
};

/// Time between two questions about the same limit, at least.
const BRIEF: Duration = Duration::from_millis(20);
/// The same while the limit is used up and it is others who work: nobody tells when they end.
const OTHERS: Duration = Duration::from_millis(200);
/// Whoever has just given something back lets others go first for this part of the time that it had
/// it, so that one process does not keep a limit to itself.
const COURTESY: u32 = 20;

/// Clones share it.
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
    /// Those of them that are not asked about just now.
    aside: BTreeMap<String, Aside>,
    /// Since when attempts run here.
    running: HashMap<Uuid, Instant>,
}

struct Aside {
    until: Instant,
    /// Something waits: it is asked about then. Otherwise only when there are news.
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
    /// What the database says: these queues have limits. Whether that is new.
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

    /// When the next one is due for which something waits.
    pub fn next(&self) -> Option<Instant> {
        let state = self.lock();
        let aside = state.aside.values().filter(|aside| aside.waiting);
        aside.map(|aside| aside.until).min()
    }

    /// There are news: perhaps something waits.
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
            // What waits is of keys that have all that they may have.
            _ if room.waiting && room.limits_keys() => {
                self.set_aside(&room.queue, jittered(OTHERS), true);
            }
            // As much as there were slots, or all that there was.
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

    /// Waits until something is due sooner than it was.
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
