//! Lost leases: what a sweeper sees, in several statements, and what it does about it.
//!
//! It looks without locks, so that looking costs nobody anything. In between, others may have rescued
//! the task, its worker may have come back, and a new attempt may hold it.

use super::{
    action::Step,
    protocol::Protocol,
    rules::{Burial, Charges, Count, Locked},
    state::{Candidate, Charge, Frozen, Lease, Place, State, Sweep, Task, WorkerId},
};

impl Protocol {
    pub fn sweep(&self, state: &mut State, step: Step) {
        match step {
            Step::Look { process, worker } => {
                state.processes[process].sweep = Sweep::Looked(worker);
            }
            Step::Read { process } => self.read(state, process),
            Step::ReadExpired { process } => {
                let expired = self.expired(state).into_iter();
                let seen = expired.filter_map(|task| {
                    Some(Candidate {
                        task,
                        token: state.lease(task)?.token,
                        charged: false,
                        last: false,
                    })
                });
                state.processes[process].sweep = Sweep::Read(None, seen.collect());
            }
            Step::Rescue { process } => self.rescue(state, process),
            Step::TakeOver { process } => self.take_over(state, process),
            Step::DeadLetter { process } => state.dead_letter(process),
            _ => {}
        }
    }

    /// Workers whose lock is not there and of whom something can be taken.
    pub fn worth_a_sweep(&self, state: &State, process: usize) -> Vec<WorkerId> {
        let mut workers: Vec<WorkerId> = (0..state.tasks.len())
            .filter_map(|task| Some((task, state.lease(task)?)))
            .filter(|(task, lease)| {
                let own = lease.worker == state.processes[process].id;
                let seen = self.candidate(state, *task, *lease);
                let takable = !seen.last || self.may_bury(state, lease.worker);
                !own && !state.is_present(lease.worker) && !state.is_locked(*task) && takable
            })
            .map(|(_, lease)| lease.worker)
            .collect();
        workers.dedup();
        workers
    }

    /// Takes longer than whoever lives needs to come back and to say so.
    fn may_bury(&self, state: &State, worker: WorkerId) -> bool {
        let mut processes = state.processes.iter();
        let returns = processes
            .any(|process| process.frozen == Frozen::No && state.row(process.id).charged.is_some());
        let gone = state.process_of(worker).is_none() && !returns;
        gone || self.rules.burial == Burial::AtOnce
    }

    /// The worker had nothing else.
    fn was_alone(&self, state: &State, worker: WorkerId) -> bool {
        let robbed = state.row(worker).robbed && self.rules.count == Count::UntilCleared;
        let alone = state.leases_of(worker).count() == 1 && !robbed;
        alone || self.rules.charges == Charges::Everybody
    }

    fn candidate(&self, state: &State, task: Task, lease: Lease) -> Candidate {
        let charged = self.was_alone(state, lease.worker);
        Candidate {
            task,
            token: lease.token,
            charged,
            last: charged && state.tasks[task].crashes + 1 >= self.crash_limit,
        }
    }

    fn read(&self, state: &mut State, process: usize) {
        let Sweep::Looked(worker) = state.processes[process].sweep else {
            return;
        };
        let leases = state.leases_of(worker);
        let seen = leases.map(|(task, lease)| self.candidate(state, task, lease));
        let seen = Sweep::Read(Some(worker), seen.collect());
        state.processes[process].sweep = seen;
    }

    /// It waits for a run that somebody holds.
    pub fn is_stuck(&self, state: &State, seen: &[Candidate]) -> bool {
        let locked = seen.iter().any(|candidate| state.is_locked(candidate.task));
        locked && self.rules.locked == Locked::WaitedFor
    }

    /// One transaction. Presence is not looked up again: a worker that came back meanwhile is a zombie
    /// like any other.
    fn rescue(&self, state: &mut State, process: usize) {
        let sweep = std::mem::replace(&mut state.processes[process].sweep, Sweep::Idle);
        let Sweep::Read(lost, seen) = sweep else {
            return;
        };
        for candidate in &seen {
            let Some(lease) = state.lease(candidate.task) else {
                continue;
            };
            let still_lost = lease.expired || lost == Some(lease.worker);
            let as_seen = lease.token == candidate.token && still_lost;
            if !as_seen || candidate.last || state.is_locked(candidate.task) {
                continue;
            }
            self.take(state, *candidate, lease, lost == Some(lease.worker));
        }
        let mut poisons = seen.iter().filter(|candidate| candidate.last);
        if let (Some(worker), Some(poison)) = (lost, poisons.next())
            && self.may_bury(state, worker)
        {
            state.processes[process].sweep = Sweep::Found(*poison);
        }
    }

    fn take(&self, state: &mut State, candidate: Candidate, lease: Lease, lost: bool) {
        let Candidate { task, token, .. } = candidate;
        // What was read is worth nothing if the worker has claimed more since.
        let charged = candidate.charged && self.was_alone(state, lease.worker);
        let mut row = state.row(lease.worker);
        row.robbed = true;
        if charged {
            row.charged = Some((task, token));
            state.credit[task] -= 1;
            if state.process_of(lease.worker).is_some() {
                state.charges.insert(Charge {
                    worker: lease.worker,
                    task,
                    token,
                });
            }
        }
        state.rows.insert(lease.worker, row);
        let row = &mut state.tasks[task];
        row.token = token;
        row.crashes += u8::from(charged);
        row.suspicion = (row.suspicion + u8::from(lost)).min(2);
        row.place = match row.suspicion {
            0 => Place::Ready,
            _ => Place::Suspected,
        };
    }

    /// The lease becomes the sweeper's own, so that it can write the end of the task.
    fn take_over(&self, state: &mut State, process: usize) {
        let id = state.processes[process].id;
        let sweep = std::mem::replace(&mut state.processes[process].sweep, Sweep::Idle);
        let Sweep::Found(Candidate { task, token, .. }) = sweep else {
            return;
        };
        let as_seen = state.lease(task).filter(|lease| lease.token == token);
        let Some(lease) = as_seen.filter(|lease| self.was_alone(state, lease.worker)) else {
            return;
        };
        state.rows.entry(lease.worker).or_default().robbed = true;
        state.tasks[task].place = Place::Leased(Lease {
            token: token + 1,
            worker: id,
            expired: false,
        });
        state.processes[process].dead_lettering = Some((task, token + 1));
    }
}

impl State {
    fn dead_letter(&mut self, process: usize) {
        let id = self.processes[process].id;
        let Some((task, token)) = self.processes[process].dead_lettering.take() else {
            return;
        };
        let lease = self.lease(task);
        if lease.is_some_and(|lease| lease.token == token && lease.worker == id) {
            self.tasks[task].crashes += 1;
            self.credit[task] -= 1;
            self.end(task, Place::Dead);
        }
    }
}
