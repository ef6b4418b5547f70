//! What a sweeper has seen. Nothing is believed that was seen once.

use std::{collections::HashMap, time::Duration};

use rand::Rng;
use tokio::time::Instant;

use crate::define::ids::WorkerId;
use crate::store::sweep::ScanResult;

/// Time for which a worker has to be absent, and leases expired, before tasks are taken.
pub(crate) const ABSENT: Duration = Duration::from_millis(300);

/// What earlier looks saw.
#[derive(Default)]
pub(crate) struct Absences {
    /// Since when each worker is absent.
    pub absent: HashMap<WorkerId, Instant>,
    /// Since when leases are expired.
    pub expired: Option<Instant>,
    /// Until then absence and expiry mean nothing: the database was away.
    pub distrust: Option<Instant>,
    /// The last look failed.
    pub away: bool,
    /// There are other workers, which may be lost.
    pub company: bool,
}

impl Absences {
    /// Time until the next look. What was seen for the first time is looked at again soon. Where
    /// nobody can be lost, less often will do.
    pub fn wait(&self, interval: Duration) -> Duration {
        match () {
            () if self.suspects() => ABSENT,
            () if self.company => interval.mul_f64(rand::rng().random_range(0.72..0.88)),
            () => interval.mul_f64(rand::rng().random_range(1.2..1.6)),
        }
    }

    /// `coming_back`: what workers get after an outage.
    pub fn learn(&mut self, found: &ScanResult, coming_back: Duration) {
        self.company = found.company;
        let now = Instant::now();
        // From now on, and not from the last failure: that a connection is had may take long.
        if std::mem::take(&mut self.away) {
            self.distrust = Some(now + coming_back);
        }
        let distrusted = self.distrust.is_some_and(|until| now < until);
        if distrusted || found.fresh_server {
            self.absent.clear();
            self.expired = None;
            return;
        }
        self.absent.retain(|id, _| found.absent.contains(id));
        for id in &found.absent {
            self.absent.entry(*id).or_insert(now);
        }
        self.expired = found.expired.then(|| self.expired.unwrap_or(now));
    }

    /// Workers that have been absent for at least `time`.
    pub fn absent_for(&self, time: Duration) -> Vec<WorkerId> {
        let absent = self.absent.iter();
        absent
            .filter(|(_, since)| since.elapsed() >= time)
            .map(|(id, _)| *id)
            .collect()
    }

    /// Workers that are absent, but not for that long.
    pub fn absent_since(&self, time: Duration) -> Vec<WorkerId> {
        let absent = self.absent.iter();
        absent
            .filter(|(_, since)| since.elapsed() < time)
            .map(|(id, _)| *id)
            .collect()
    }

    /// Whether leases have been expired for at least `time`.
    pub fn expired_for(&self, time: Duration) -> bool {
        self.expired.is_some_and(|since| since.elapsed() >= time)
    }

    /// Something was seen for the first time, and has to be seen once more.
    pub fn suspects(&self) -> bool {
        let fresh = |since: &Instant| since.elapsed() < ABSENT;
        self.absent.values().any(fresh) || self.expired.as_ref().is_some_and(fresh)
    }
}
