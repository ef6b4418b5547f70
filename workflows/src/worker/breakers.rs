//! Breakers: a dependency that is down is tried by one task at a time, and the others wait in the
//! queue instead of failing one after the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::define::ids::LaneId;
use crate::worker::metrics;

/// Failures in a row that open a breaker. One may be chance.
const FAILURES: u32 = 3;
/// Time until the first probe, which doubles with each that fails.
pub(crate) const FIRST_PROBE: Duration = Duration::from_secs(1);
pub(crate) const LONGEST_PROBE: Duration = Duration::from_secs(30);

/// What this process knows of dependencies. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Breakers {
    known: Arc<Mutex<BTreeMap<String, Dependency>>>,
    news: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Dependency {
    /// Failures since it last worked.
    failures: u32,
    open: bool,
    /// One task may try.
    probing: bool,
    /// Lanes of which it is known that they need it, beyond those that say so.
    lanes: BTreeSet<LaneId>,
    /// What the database does not know yet.
    news: Option<News>,
}

/// What others have to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// It is down, with the error, in these lanes.
    Down(String, BTreeSet<LaneId>),
    /// It works again.
    Up,
}

/// What a breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    Closed,
    /// One task may try it.
    Probe,
    Open,
}

impl Dependency {
    /// Whether tasks of `lane` need it, which declare that they need `declared`.
    fn is_needed(&self, name: &str, lane: LaneId, declared: &[&str]) -> bool {
        self.lanes.contains(&lane) || declared.contains(&name)
    }
}

impl Breakers {
    /// Whether this process has tasks that need it: some declare it, or have found it down here.
    pub fn concern(&self, dependency: &str, declared: &[&str]) -> bool {
        let known = self.lock();
        let here = known
            .get(dependency)
            .is_some_and(|entry| !entry.lanes.is_empty());
        here || declared.contains(&dependency)
    }

    /// An attempt of a task in `lane` found the dependency down.
    pub fn failed(&self, dependency: &str, lane: LaneId, error: &str) {
        let mut known = self.lock();
        let entry = known.entry(dependency.to_owned()).or_default();
        entry.failures = entry.failures.saturating_add(1);
        entry.lanes.insert(lane);
        if entry.failures >= FAILURES && !entry.open {
            entry.open = true;
            tracing::warn!(
                dependency,
                error,
                "a dependency is down; the steps that need it wait"
            );
            metrics::breaker(dependency, true);
        }
        if entry.open {
            entry.news = Some(News::Down(error.to_owned(), entry.lanes.clone()));
            self.news.notify_one();
        }
    }

    /// An attempt in `lane`, which needs `declared`, came to its end with all that it needed.
    pub fn worked(&self, lane: LaneId, declared: &[&str]) {
        for (name, entry) in self.lock().iter_mut() {
            if !entry.is_needed(name, lane, declared) {
                continue;
            }
            entry.failures = 0;
            if entry.open {
                entry.open = false;
                entry.probing = false;
                entry.news = Some(News::Up);
                self.news.notify_one();
                tracing::info!(dependency = name, "a dependency is back");
                metrics::breaker(name, false);
            }
        }
    }

    /// Whether tasks of a lane may be claimed that needs `declared`.
    pub fn gate(&self, lane: LaneId, declared: &[&str]) -> Gate {
        let known = self.lock();
        let needed = known
            .iter()
            .filter(|(name, entry)| entry.open && entry.is_needed(name, lane, declared));
        needed.fold(Gate::Open, |gate, (_, entry)| {
            if entry.probing && gate != Gate::Closed {
                Gate::Probe
            } else {
                Gate::Closed
            }
        })
    }

    /// A task that needs this lane's dependencies was claimed: it is the probe.
    pub fn claimed(&self, lane: LaneId, declared: &[&str]) {
        for (name, entry) in self.lock().iter_mut() {
            if entry.open && entry.is_needed(name, lane, declared) {
                entry.probing = false;
            }
        }
    }

    /// This process may let one task try.
    pub fn may_probe(&self, dependency: &str) {
        if let Some(entry) = self.lock().get_mut(dependency) {
            entry.probing = entry.open;
        }
    }

    /// What the database says: these are down.
    pub fn heard(&self, open: &[String]) {
        let mut known = self.lock();
        for name in open {
            let entry = known.entry(name.clone()).or_default();
            if !entry.open && entry.news.is_none() {
                entry.open = true;
                metrics::breaker(name, true);
            }
        }
        for (name, entry) in known.iter_mut() {
            if entry.open && entry.news.is_none() && !open.contains(name) {
                entry.open = false;
                entry.failures = 0;
                metrics::breaker(name, false);
            }
        }
    }

    /// Waits until there is something to tell.
    pub async fn some_news(&self) {
        self.news.notified().await;
    }

    /// What is to be told. It counts as told when [`told`](Self::told) is called.
    pub fn news(&self) -> Vec<(String, News)> {
        let known = self.lock();
        let news = known.iter();
        news.filter_map(|(name, entry)| Some((name.clone(), entry.news.clone()?)))
            .collect()
    }

    pub fn told(&self, dependency: &str, news: &News) {
        if let Some(entry) = self.lock().get_mut(dependency)
            && entry.news.as_ref() == Some(news)
        {
            entry.news = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Dependency>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(breakers: &Breakers) {
        for _ in 0..FAILURES {
            breakers.failed("store", LaneId(7), "refused");
        }
    }

    #[test]
    fn it_opens_after_some_failures_in_a_row_and_closes_with_a_success() {
        let breakers = Breakers::default();
        breakers.failed("store", LaneId(7), "refused");
        breakers.failed("store", LaneId(7), "refused");
        breakers.worked(LaneId(7), &["store"]);
        breakers.failed("store", LaneId(7), "refused");
        assert_eq!(breakers.gate(LaneId(7), &[]), Gate::Open);
        open(&breakers);
        assert_eq!(breakers.gate(LaneId(7), &[]), Gate::Closed);
        assert_eq!(breakers.gate(LaneId(8), &["store"]), Gate::Closed);
        assert_eq!(breakers.gate(LaneId(8), &[]), Gate::Open);
        breakers.worked(LaneId(7), &["store"]);
        assert_eq!(breakers.gate(LaneId(7), &[]), Gate::Open);
        assert_eq!(breakers.news(), [("store".to_owned(), News::Up)]);
    }

    #[test]
    fn what_no_step_declares_is_back_when_a_task_of_the_same_step_succeeds() {
        let breakers = Breakers::default();
        open(&breakers);
        breakers.worked(LaneId(8), &[]);
        assert_eq!(breakers.gate(LaneId(7), &[]), Gate::Closed, "another step");
        breakers.worked(LaneId(7), &[]);
        assert_eq!(breakers.gate(LaneId(7), &[]), Gate::Open);
        assert!(breakers.concern("store", &[]) && !breakers.concern("disk", &[]));
    }

    #[test]
    fn one_task_is_let_through_as_a_probe() {
        let breakers = Breakers::default();
        open(&breakers);
        breakers.may_probe("store");
        assert_eq!(breakers.gate(LaneId(7), &[]), Gate::Probe);
        breakers.claimed(LaneId(7), &[]);
        assert_eq!(breakers.gate(LaneId(7), &[]), Gate::Closed);
    }

    #[test]
    fn what_others_found_counts_unless_we_know_better() {
        let breakers = Breakers::default();
        breakers.heard(&["store".to_owned()]);
        assert_eq!(breakers.gate(LaneId(1), &["store"]), Gate::Closed);
        breakers.worked(LaneId(1), &["store"]);
        breakers.heard(&["store".to_owned()]);
        assert_eq!(
            breakers.gate(LaneId(1), &["store"]),
            Gate::Open,
            "not told yet"
        );
        breakers.told("store", &News::Up);
        breakers.heard(&[]);
        assert_eq!(breakers.gate(LaneId(1), &["store"]), Gate::Open);
    }
}
