//! Lost leases: seen in one transaction, taken in a later one.
//!
//! The sweeper looks without locks, so that looking costs nobody anything. In between, others may
//! have rescued the task, its worker may have come back, and a new attempt may hold it.

use crate::{
    database::Task,
    protocol::Protocol,
    rules::Rescue,
    state::{Sighting, State},
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
        Some((sighting, lease.expired))
    }
}

impl Protocol {
    /// Takes the lease and charges the task with a crash. Presence is not looked up again: a worker
    /// that came back meanwhile is a zombie like any other.
    pub fn rescue(&self, state: &mut State, worker: usize) {
        let Some(seen) = state.workers[worker].sighting.take() else {
            return;
        };
        let database = &mut state.database;
        let Some(lease) = database.leases.get(seen.task) else {
            return;
        };
        let as_seen = lease.token == seen.token;
        let still_lost = lease.expired || seen.lost_worker == Some(lease.worker);
        if !still_lost || (!as_seen && self.rules.rescue == Rescue::LeaseAsSeen) {
            return;
        }
        state.history.broken.unseen_lease_taken |= !as_seen;
        database.leases.delete(seen.task);
        database.flush();
        let Some(row) = database.tasks.get_mut(seen.task) else {
            return;
        };
        row.crashes += 1;
        if row.crashes >= self.limits.crashes {
            database.bury(seen.task);
        } else {
            database.ready.insert(seen.task, ());
        }
    }
}
