//! Lost leases: seen in one transaction, taken in a later one. Whom it is blamed on is what `blame` is
//! about; here a worker is lost with what it had, and who was alone is charged.
//!
//! The sweeper looks without locks, so that looking costs nobody anything. In between, others may
//! have rescued the task, its worker may have come back, and a new attempt may hold it.

use super::{
    complete::Verdict,
    database::{Lease, Task},
    protocol::Protocol,
    rules::Rescue,
    state::{Attempt, Sighting, State},
};

impl State {
    /// Whether this worker's sweeper, being free, would pick the task's lease.
    pub fn looks_lost(&self, worker: usize, task: Task) -> bool {
        self.workers[worker].sighting.is_none()
            && self
                .sight(worker, task)
                .is_some_and(|(sighting, expired)| expired || sighting.lost_worker.is_some())
    }

    pub fn see_lost(&mut self, worker: usize, task: Task) {
        self.workers[worker].sighting = self.sight(worker, task).map(|(sighting, _)| sighting);
    }

    /// A sweeper does not count its own process as lost.
    fn sight(&self, worker: usize, task: Task) -> Option<(Sighting, bool)> {
        let lease = self.database.leases.get(task)?;
        let lost = lease.worker != self.workers[worker].id && !self.is_present(lease.worker);
        let sighting = Sighting {
            task,
            token: lease.token,
            lost_worker: lost.then_some(lease.worker),
        };
        Some((
            sighting,
            lease.expired && (!lost || self.is_alive(lease.worker)),
        ))
    }

    /// The lease that was seen, if it is still lost.
    fn still_lost(&self, seen: Sighting, rule: Rescue) -> Option<&Lease> {
        let lease = self.database.leases.get(seen.task)?;
        let as_seen = lease.token == seen.token || rule == Rescue::AnyLeaseOfTheTask;
        let still_lost = lease.expired || seen.lost_worker == Some(lease.worker);
        (as_seen && still_lost).then_some(lease)
    }

    /// The lost worker had nothing else.
    fn was_alone(&self, lease: &Lease) -> bool {
        let leases = Task::ALL.into_iter();
        let leases = leases.filter_map(|task| self.database.leases.get(task));
        leases.filter(|other| other.worker == lease.worker).count() == 1
    }
}

impl Protocol {
    /// Takes the lease, and charges the task with a crash if its worker died of it as it seems. Presence
    /// is not looked up again: a worker that came back meanwhile is a zombie like any other. What died
    /// for the last time is taken over, to become a dead letter: that waits until the worker is gone for good.
    pub fn rescue(&self, state: &mut State, worker: usize) {
        let Some(seen) = state.workers[worker].sighting.take() else {
            return;
        };
        let Some(lease) = state.still_lost(seen, self.rules.rescue).cloned() else {
            return;
        };
        let task = seen.task;
        let lost = seen.lost_worker == Some(lease.worker);
        let charged = lost && state.was_alone(&lease);
        let crashes = state.database.tasks.get(task).map_or(0, |row| row.crashes);
        if charged && crashes + 1 >= self.limits.crashes {
            if !state.is_alive(lease.worker) {
                state.take_over(worker, task, &lease);
            }
            return;
        }
        state.history.broken.unseen_lease_taken |= lease.token != seen.token;
        state.end_lease(task, lease.token);
        if let Some(row) = state.database.tasks.get_mut(task) {
            row.crashes += u8::from(charged);
            row.suspected |= lost;
        }
        state.database.make_ready(task);
    }

    /// Writes the end of a task that was taken over, as that of any attempt.
    pub fn dead_letter(&self, state: &mut State, worker: usize) {
        if let Some(attempt) = state.workers[worker].dead_lettering.take() {
            self.complete(state, worker, attempt, Verdict::Crashed);
        }
    }
}

impl State {
    fn take_over(&mut self, worker: usize, task: Task, lease: &Lease) {
        let attempt = Attempt {
            task,
            token: lease.token + 1,
            remaining_seen: None,
        };
        let lease = Lease {
            token: attempt.token,
            worker: self.workers[worker].id,
            expired: false,
            durable: true,
        };
        self.database.leases.insert(task, lease);
        self.database.flush();
        self.workers[worker].dead_lettering = Some(attempt);
    }
}
