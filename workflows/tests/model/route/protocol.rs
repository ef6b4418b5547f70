//! The protocol as a transition system: which actions each state allows.

use stateright::{Model, Property};

use super::{
    action::{Action, Decision, Fault, Step},
    complete::Verdict,
    database::Task,
    properties,
    rules::{Claims, Join, Rules},
    state::{State, WORKERS, Worker},
};

/// What is checked: the rules, and how much goes wrong.
#[derive(Debug, Clone, Copy)]
pub struct Protocol {
    pub rules: Rules,
    pub limits: Limits,
    pub faults: u8,
    /// How often somebody decides to re-drive. Two may decide about the same letter at a time.
    pub redrives: u8,
}

/// So many of each make a task a dead letter.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub errors: u8,
    pub crashes: u8,
}

impl Protocol {
    /// What the engine would do next if nothing went wrong any more.
    pub fn steps(&self, state: &State, steps: &mut Vec<Step>) {
        let database = &state.database;
        for task in Task::ALL {
            if database.deferred.has(task) {
                steps.push(Step::BecomeDue { task });
            }
            if state.redrives_requested[task as usize] > 0 {
                steps.push(Step::Redrive { task });
            }
            if let Some(lease) = database.leases.get(task)
                && !lease.expired
                && !state.is_renewed(task, lease)
            {
                steps.push(Step::Lapse { task });
            }
        }
        for worker in 0..WORKERS {
            self.steps_of(state, worker, steps);
        }
    }

    fn steps_of(&self, state: &State, worker: usize, steps: &mut Vec<Step>) {
        let process = &state.workers[worker];
        if !process.present {
            steps.push(Step::Return { worker });
        }
        if process.sighting.is_some() {
            steps.push(Step::Rescue { worker });
        }
        if process.dead_lettering.is_some() {
            steps.push(Step::DeadLetter { worker });
        }
        for task in Task::ALL {
            if self.may_claim(state, process, task) {
                steps.push(Step::Claim { worker, task });
            }
            if let Some(lease) = state.database.leases.get(task) {
                if process.present && lease.worker == process.id && !process.has_in_hand(task) {
                    steps.push(Step::FindStray { worker, task });
                }
                if lease.expired
                    && process.present
                    && lease.worker == process.id
                    && process.has_in_hand(task)
                {
                    steps.push(Step::Renew { worker, task });
                }
                if state.looks_lost(worker, task) {
                    steps.push(Step::SeeLost { worker, task });
                }
            }
        }
        for &attempt in &process.attempts {
            let reads = self.rules.join == Join::ReadBefore && attempt.task.is_child();
            if reads && attempt.remaining_seen.is_none() {
                steps.push(Step::ReadRemaining { worker, attempt });
                continue;
            }
            for verdict in [Verdict::Done, Verdict::Reject] {
                // Whatever a stale attempt asks for, it is refused alike.
                if verdict == Verdict::Done || self.admits(state, worker, attempt) {
                    steps.push(Step::Settle {
                        worker,
                        attempt,
                        verdict,
                    });
                }
            }
        }
    }

    fn may_claim(&self, state: &State, worker: &Worker, task: Task) -> bool {
        let database = &state.database;
        let suspected = |task| database.tasks.get(task).is_some_and(|row| row.suspected);
        let has_suspect = Task::ALL
            .into_iter()
            .any(|task| worker.has_in_hand(task) && suspected(task));
        let waits = database.ready.has(task) || (database.suspects.has(task) && !has_suspect);
        waits && (worker.present || self.rules.claims == Claims::OfAllWorkers)
    }

    fn decisions(state: &State, actions: &mut Vec<Action>) {
        if !state.database.run.has_ended() {
            actions.push(Action::Decision(Decision::Cancel));
        }
        for task in Task::ALL {
            if state.database.dead_letters.has(task) && state.redrives_left > 0 {
                actions.push(Action::Decision(Decision::RequestRedrive { task }));
            }
        }
    }

    fn faults(&self, state: &State, actions: &mut Vec<Action>) {
        let mut add = |fault| actions.push(Action::Fault(fault));
        for task in Task::ALL {
            if let Some(lease) = state.database.leases.get(task) {
                if !lease.expired && state.is_renewed(task, lease) {
                    add(Fault::Expire { task });
                }
                if !lease.durable {
                    add(Fault::ForgetClaim { task });
                }
            }
        }
        for (worker, process) in state.workers.iter().enumerate() {
            if !process.attempts.is_empty() || process.sighting.is_some() {
                add(Fault::Crash { worker });
            }
            if process.present {
                add(Fault::LosePresence { worker });
            }
            for task in Task::ALL {
                if self.may_claim(state, process, task) {
                    add(Fault::ClaimUnheard { worker, task });
                }
            }
            for &attempt in &process.attempts {
                let reads = self.rules.join == Join::ReadBefore && attempt.task.is_child();
                if !self.admits(state, worker, attempt)
                    || (reads && attempt.remaining_seen.is_none())
                {
                    continue;
                }
                for verdict in [Verdict::Retry, Verdict::HandBack] {
                    add(Fault::Settle {
                        worker,
                        attempt,
                        verdict,
                    });
                }
                for verdict in [Verdict::Done, Verdict::Retry] {
                    add(Fault::SettleUnheard {
                        worker,
                        attempt,
                        verdict,
                    });
                }
            }
        }
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::started(self.faults, self.redrives)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let mut steps = Vec::new();
        self.steps(state, &mut steps);
        actions.extend(steps.into_iter().map(Action::Step));
        Self::decisions(state, actions);
        // What goes wrong after the end can only make zombies fewer.
        if state.faults_left > 0 && !state.database.run.has_ended() {
            self.faults(state, actions);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Step(step) => self.step(&mut state, step),
            Action::Decision(decision) => state.decide(decision),
            Action::Fault(fault) => {
                state.faults_left -= 1;
                self.fault(&mut state, fault);
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
