//! What each action but a completion and a rescue does to the state.

use super::{
    action::{Decision, Fault, Step},
    database::{Lease, Run, Task, TaskRow, Token},
    protocol::Protocol,
    rules::{Redrive, Tokens},
    state::{Attempt, State, Worker},
};

/// What a clock that stands still says.
const CLOCK: Token = 1;

impl Protocol {
    pub fn step(&self, state: &mut State, step: Step) {
        match step {
            Step::Claim { worker, task } => {
                let attempt = state.claim(worker, task, self.rules.tokens);
                state.workers[worker].begin(attempt);
            }
            Step::FindStray { worker, task } => state.find_stray(worker, task),
            Step::ReadRemaining { worker, attempt } => {
                let process = &mut state.workers[worker];
                process.forget(attempt);
                process.begin(Attempt {
                    // Without the row there is nothing to be last of.
                    remaining_seen: Some(state.database.fan_out.unwrap_or(0)),
                    ..attempt
                });
            }
            Step::Settle {
                worker,
                attempt,
                verdict,
            } => {
                self.complete(state, worker, attempt, verdict);
                state.workers[worker].forget(attempt);
            }
            Step::BecomeDue { task } => {
                state.database.deferred.delete(task);
                state.database.make_ready(task);
                state.database.flush();
            }
            Step::Renew { task, .. } => set_expired(state, task, false),
            Step::Return { worker } => state.workers[worker].present = true,
            Step::Lapse { task } => set_expired(state, task, true),
            Step::SeeLost { worker, task } => state.see_lost(worker, task),
            Step::Rescue { worker } => self.rescue(state, worker),
            Step::DeadLetter { worker } => self.dead_letter(state, worker),
            Step::Redrive { task } => self.redrive(state, task),
        }
    }

    /// One transaction. The run is running again once nothing in it waits for a decision.
    fn redrive(&self, state: &mut State, task: Task) {
        state.redrives_requested[task as usize] -= 1;
        let database = &mut state.database;
        let letter = database.dead_letters.delete(task);
        if letter.is_none() && self.rules.redrive == Redrive::TakesTheLetter {
            return;
        }
        database.flush();
        let letter = letter.unwrap_or_default();
        let row = TaskRow {
            token: letter.token,
            suspected: letter.crashes > 0,
            ..TaskRow::default()
        };
        database.insert(task, row);
        if database.run == Run::Dead && database.dead_letters.is_empty() {
            database.run = Run::Running;
        }
        state.history.seen.redrive = true;
    }

    pub fn fault(&self, state: &mut State, fault: Fault) {
        match fault {
            // Whether a process takes its place at once or later is all one: it may stand idle.
            Fault::Crash { worker } => {
                state.last_worker += 1;
                state.workers[worker] = Worker::new(state.last_worker);
            }
            Fault::LosePresence { worker } => state.workers[worker].present = false,
            Fault::Expire { task } => set_expired(state, task, true),
            Fault::ClaimUnheard { worker, task } => {
                state.claim(worker, task, self.rules.tokens);
            }
            Fault::SettleUnheard {
                worker,
                attempt,
                verdict,
            } => {
                self.complete(state, worker, attempt, verdict);
            }
            Fault::Settle {
                worker,
                attempt,
                verdict,
            } => {
                self.complete(state, worker, attempt, verdict);
                state.workers[worker].forget(attempt);
            }
            // The sequence forgets as well: the next claim gets the same token.
            Fault::ForgetClaim { task } => {
                state.database.leases.delete(task);
                state.database.make_ready(task);
            }
        }
    }
}

impl State {
    pub fn decide(&mut self, decision: Decision) {
        match decision {
            Decision::Cancel => self.database.abandon(Run::Cancelled),
            Decision::RequestRedrive { task } => {
                self.redrives_left -= 1;
                self.redrives_requested[task as usize] += 1;
            }
        }
    }

    /// One transaction, committed asynchronously. The clock may stand still.
    fn claim(&mut self, worker: usize, task: Task, tokens: Tokens) -> Attempt {
        let database = &mut self.database;
        database.ready.delete(task);
        database.suspects.delete(task);
        let last = database.tasks.get(task).map_or(0, |row| row.token);
        let token = match tokens {
            Tokens::AfterTheLast => last + 1,
            Tokens::OfTheClock => CLOCK,
        };
        let lease = Lease {
            token,
            worker: self.workers[worker].id,
            expired: false,
            durable: false,
        };
        database.leases.insert(task, lease);
        Attempt {
            task,
            token,
            remaining_seen: None,
        }
    }

    /// By the database's word it is this worker's, who did not hear of it.
    fn find_stray(&mut self, worker: usize, task: Task) {
        if let Some(lease) = self.database.leases.get(task) {
            self.workers[worker].begin(Attempt {
                task,
                token: lease.token,
                remaining_seen: None,
            });
        }
    }
}

fn set_expired(state: &mut State, task: Task, expired: bool) {
    if let Some(lease) = state.database.leases.get_mut(task) {
        lease.expired = expired;
    }
}
