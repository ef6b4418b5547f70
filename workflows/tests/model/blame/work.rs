//! What processes do with tasks: claim, end, die, come back.

use super::{
    action::{Fault, Step},
    protocol::Protocol,
    rules::{Forgiveness, Strays, Suspects},
    state::{Attempt, Company, Frozen, Lease, Place, Process, State, Sweep, Task, WorkerId},
};

impl Protocol {
    pub fn step(&self, state: &mut State, step: Step) {
        match step {
            Step::Claim { process, task } | Step::ClaimSuspect { process, task } => {
                let attempt = self.claim(state, process, task);
                state.processes[process].begin(attempt);
            }
            Step::BeginAlone { process } => {
                for attempt in &mut state.processes[process].attempts {
                    attempt.begun = true;
                }
            }
            Step::Finish { process, attempt } => state.finish(process, attempt),
            Step::Kill { process } => {
                state.kills += 1;
                state.die(process);
            }
            Step::Beat { process } => self.beat(state, process),
            Step::Return { process } => state.processes[process].present = true,
            Step::FindStrays { process } => self.find_strays(state, process),
            Step::Lapse { task } => state.set_expired(task, true),
            Step::LoseTransaction { process } => state.processes[process].frozen = Frozen::Idle,
            Step::Thaw { process } => state.thaw(process),
            Step::Look { .. }
            | Step::Read { .. }
            | Step::ReadExpired { .. }
            | Step::Rescue { .. }
            | Step::TakeOver { .. }
            | Step::DeadLetter { .. } => self.sweep(state, step),
        }
    }

    pub fn fault(&self, state: &mut State, fault: Fault) {
        match fault {
            Fault::Crash { process } => state.die(process),
            // A sweep that loses its connection forgets what it saw.
            Fault::LosePresence { process } => {
                state.processes[process].present = false;
                state.processes[process].sweep = Sweep::Idle;
            }
            Fault::Freeze { process, holding } => {
                state.processes[process].frozen = holding.map_or(Frozen::Idle, Frozen::Holding);
            }
            Fault::ClaimUnheard { process, task } => {
                self.claim(state, process, task);
                state.processes[process].astray = true;
            }
        }
    }

    /// One transaction. The token is greater than the task's last one.
    fn claim(&self, state: &mut State, process: usize, task: Task) -> Attempt {
        let row = &mut state.tasks[task];
        let lease = Lease {
            token: row.token + 1,
            worker: state.processes[process].id,
            expired: false,
        };
        let apart = self.rules.suspects == Suspects::Apart;
        let company = match (row.place, row.suspicion) {
            (Place::Suspected, 1) if apart => Company::NoSuspect,
            (Place::Suspected, _) if apart => Company::Nobody,
            _ => Company::Any,
        };
        row.place = Place::Leased(lease);
        Attempt {
            task,
            token: lease.token,
            begun: company != Company::Nobody,
            company,
        }
    }

    /// Whether a heartbeat would change something.
    pub fn has_news(&self, state: &State, process: usize) -> bool {
        let id = state.processes[process].id;
        let row = state.row(id);
        let cleared = row.robbed
            && (state.holds_all(process) || self.rules.forgiveness == Forgiveness::OfWhatIsInHand);
        let to_renew = |(task, lease): (Task, Lease)| {
            lease.expired && state.processes[process].has_in_hand(task)
        };
        cleared || row.charged.is_some() || state.leases_of(id).any(to_renew)
    }

    /// Renews leases by worker and task, and takes back what it is charged with.
    fn beat(&self, state: &mut State, process: usize) {
        let id = state.processes[process].id;
        let mut row = state.row(id);
        match self.rules.forgiveness {
            Forgiveness::ByTheRow => {
                if let Some((task, token)) = row.charged.take() {
                    state.forgive(id, task, token);
                } else if state.holds_all(process) {
                    row.robbed = false;
                }
            }
            Forgiveness::OfWhatIsInHand => {
                if std::mem::take(&mut row.robbed) {
                    for attempt in state.processes[process].attempts.clone() {
                        state.forgive(id, attempt.task, attempt.token);
                    }
                }
                row.charged = None;
            }
        }
        state.rows.insert(id, row);
        for task in 0..state.tasks.len() {
            let ours = state.lease(task).is_some_and(|lease| lease.worker == id);
            if ours && state.processes[process].has_in_hand(task) {
                state.set_expired(task, false);
            }
        }
    }

    /// What is this worker's by the database's word, and it does not know of.
    fn find_strays(&self, state: &mut State, place: usize) {
        let process = &mut state.processes[place];
        process.astray = false;
        let (id, buries) = (process.id, process.dead_lettering.map(|(task, _)| task));
        let strays: Vec<(Task, Lease)> = state.leases_of(id).collect();
        for (task, lease) in strays {
            let company = match state.tasks[task].suspicion {
                0 => Company::Any,
                _ => Company::NoSuspect,
            };
            let process = &mut state.processes[place];
            let burial = buries == Some(task) && self.rules.strays == Strays::ButBurials;
            if !process.has_in_hand(task) && !burial {
                process.begin(Attempt {
                    task,
                    token: lease.token,
                    begun: true,
                    company,
                });
            }
        }
    }
}

impl State {
    /// Everything that it is at, it holds.
    fn holds_all(&self, process: usize) -> bool {
        let mut attempts = self.processes[process].attempts.iter();
        attempts.all(|attempt| self.holds(process, *attempt))
    }

    /// Fenced. What is stale was cancelled, or ends by itself.
    fn finish(&mut self, process: usize, attempt: Attempt) {
        if self.holds(process, attempt) {
            self.end(attempt.task, Place::Done);
        }
        self.processes[process].forget(attempt);
    }

    pub fn end(&mut self, task: Task, place: Place) {
        let row = &mut self.tasks[task];
        row.place = place;
        row.suspicion = 0;
        // A dead letter keeps its crashes, and what it was charged with unfairly.
        if place == Place::Done {
            row.crashes = 0;
            self.credit[task] = 0;
            self.charges.retain(|charge| charge.task != task);
        }
    }

    fn forgive(&mut self, worker: WorkerId, task: Task, token: u8) {
        let charge = super::state::Charge {
            worker,
            task,
            token,
        };
        if self.charges.remove(&charge) && !self.is_over(task) {
            self.tasks[task].crashes -= 1;
            self.credit[task] += 1;
        }
    }

    /// Another process takes its place.
    fn die(&mut self, process: usize) {
        let id = self.processes[process].id;
        let at_work = self.processes[process].attempts.iter().map(|a| a.task);
        let mut had: Vec<Task> = at_work.collect();
        had.extend(self.leases_of(id).map(|(task, _)| task));
        had.sort_unstable();
        had.dedup();
        // Charges that it cannot take back any more are nobody's fault.
        let too_late = self.charges.extract_if(.., |charge| charge.worker == id);
        for charge in too_late {
            self.credit[charge.task] += 1;
        }
        if let [alone] = had.as_slice()
            && !self.is_over(*alone)
        {
            self.credit[*alone] += 1;
        }
        // Names are given anew after each action.
        self.processes[process] = Process::new(WorkerId::MAX);
    }

    /// Its completion comes through if its transaction is still there.
    fn thaw(&mut self, process: usize) {
        let frozen = std::mem::replace(&mut self.processes[process].frozen, Frozen::No);
        let Frozen::Holding(task) = frozen else {
            return;
        };
        let attempts = self.processes[process].attempts.clone();
        for attempt in attempts.into_iter().filter(|attempt| attempt.task == task) {
            self.finish(process, attempt);
        }
    }

    pub fn set_expired(&mut self, task: Task, expired: bool) {
        if let Place::Leased(lease) = &mut self.tasks[task].place {
            lease.expired = expired;
        }
    }
}
