//! The protocol as a transition system: which actions each state allows.

use stateright::{Model, Property};

use super::{
    action::{Action, Fault, Step},
    properties,
    rules::{Expiry, FrozenSessions, Rules, Suspects},
    state::{Attempt, Company, Frozen, POISON, Place, Process, State, Sweep, Task, WORKERS},
};

/// What is checked: the rules, and how much goes wrong.
#[derive(Debug, Clone, Copy)]
pub struct Protocol {
    pub rules: Rules,
    /// So many crashes make a task a dead letter.
    pub crash_limit: u8,
    pub tasks: usize,
    pub faults: u8,
}

impl Protocol {
    /// So many processes may the poison kill: one among others, one beside others, and then alone.
    /// Each fault may make a zombie of it, which kills one more, and hides the next death.
    pub fn kills(&self) -> u8 {
        2 + self.crash_limit + 2 * self.faults
    }

    /// What the engine would do next if nothing went wrong any more.
    pub fn steps(&self, state: &State) -> Vec<Step> {
        let mut steps = Vec::new();
        for task in 0..state.tasks.len() {
            if self.lapses(state, task) {
                steps.push(Step::Lapse { task });
            }
        }
        for (place, process) in state.processes.iter().enumerate() {
            match process.frozen {
                Frozen::No => self.steps_of(state, place, process, &mut steps),
                Frozen::Holding(_) if self.rules.frozen != FrozenSessions::KeepIt => {
                    steps.push(Step::LoseTransaction { process: place });
                    steps.push(Step::Thaw { process: place });
                }
                _ => steps.push(Step::Thaw { process: place }),
            }
        }
        steps
    }

    fn steps_of(&self, state: &State, place: usize, process: &Process, steps: &mut Vec<Step>) {
        for &attempt in &process.attempts {
            let was_taken = !state.holds(place, attempt);
            if attempt.task == POISON && attempt.begun && state.kills <= self.kills() {
                steps.push(Step::Kill { process: place });
            }
            let ends = attempt.begun && attempt.task != POISON;
            if process.present && (ends || was_taken) {
                steps.push(Step::Finish {
                    process: place,
                    attempt,
                });
            }
        }
        if !process.present {
            steps.push(Step::Return { process: place });
            return;
        }
        let alone = process
            .attempts
            .iter()
            .any(|a| a.company == Company::Nobody);
        match process.attempts.as_slice() {
            [one] if alone && !one.begun => steps.push(Step::BeginAlone { process: place }),
            _ if alone => {}
            _ => self.claims(state, place, steps),
        }
        if self.has_news(state, place) {
            steps.push(Step::Beat { process: place });
        }
        self.sweeps(state, place, process, steps);
    }

    fn claims(&self, state: &State, place: usize, steps: &mut Vec<Step>) {
        let process = &state.processes[place];
        for task in self.claimable(state, place) {
            steps.push(match state.tasks[task].place {
                Place::Ready => Step::Claim {
                    process: place,
                    task,
                },
                _ => Step::ClaimSuspect {
                    process: place,
                    task,
                },
            });
        }
        if process.astray {
            steps.push(Step::FindStrays { process: place });
        }
    }

    /// What a claim would bring, whatever its answer's fate.
    fn claimable(&self, state: &State, place: usize) -> Vec<Task> {
        let process = &state.processes[place];
        let has_suspect = process.attempts.iter().any(|a| a.company != Company::Any);
        let suspected = |task: &Task| state.tasks[*task].place == Place::Suspected;
        let tasks = 0..state.tasks.len();
        let least = tasks.clone().filter(suspected);
        let least = least.map(|task| state.tasks[task].suspicion).min();
        tasks
            .filter(|task| match state.tasks[*task].place {
                Place::Ready => true,
                Place::Suspected if self.rules.suspects == Suspects::Together => true,
                Place::Suspected => !has_suspect && Some(state.tasks[*task].suspicion) == least,
                _ => false,
            })
            .collect()
    }

    fn sweeps(&self, state: &State, place: usize, process: &Process, steps: &mut Vec<Step>) {
        let process_place = place;
        match &process.sweep {
            Sweep::Idle => {
                for worker in self.worth_a_sweep(state, place) {
                    steps.push(Step::Look {
                        process: process_place,
                        worker,
                    });
                }
                if !self.expired(state).is_empty() {
                    steps.push(Step::ReadExpired { process: place });
                }
            }
            Sweep::Looked(_) => steps.push(Step::Read { process: place }),
            Sweep::Read(_, seen) => {
                if !self.is_stuck(state, seen) {
                    steps.push(Step::Rescue { process: place });
                }
            }
            Sweep::Found(..) if process.dead_lettering.is_none() => {
                steps.push(Step::TakeOver { process: place });
            }
            Sweep::Found(..) => {}
        }
        if process.dead_lettering.is_some() {
            steps.push(Step::DeadLetter { process: place });
        }
    }

    /// Nobody renews it: its worker stands still, does not know of it, or is dead, in which case it
    /// matters only to those who take what has expired from anybody. (A burial takes less time than a
    /// lease.)
    fn lapses(&self, state: &State, task: Task) -> bool {
        state.lease(task).is_some_and(|lease| {
            let renewed = state.process_of(lease.worker).map(|process| {
                let in_hand = process.has_in_hand(task) || process.dead_lettering.is_some();
                process.frozen == Frozen::No && in_hand
            });
            !lease.expired && !renewed.unwrap_or(self.rules.expiry != Expiry::OfAnybody)
        })
    }

    /// Leases that have expired and that nobody has locked.
    pub fn expired(&self, state: &State) -> Vec<Task> {
        let expired = |task: &Task| {
            state.lease(*task).is_some_and(|lease| {
                let theirs =
                    self.rules.expiry == Expiry::OfAnybody || state.is_present(lease.worker);
                lease.expired && theirs && !state.is_locked(*task)
            })
        };
        (0..state.tasks.len()).filter(expired).collect()
    }

    fn faults(&self, state: &State, faults: &mut Vec<Fault>) {
        for (place, process) in state.processes.iter().enumerate() {
            if !process.attempts.is_empty() || process.sweep != Sweep::Idle {
                faults.push(Fault::Crash { process: place });
            }
            if !process.is_able() {
                continue;
            }
            faults.push(Fault::LosePresence { process: place });
            if !process.attempts.is_empty() {
                faults.push(Fault::Freeze {
                    process: place,
                    holding: None,
                });
            }
            let settling = |attempt: &&Attempt| {
                attempt.begun && attempt.task != POISON && state.holds(place, **attempt)
            };
            for attempt in process.attempts.iter().filter(settling) {
                faults.push(Fault::Freeze {
                    process: place,
                    holding: Some(attempt.task),
                });
            }
            if process
                .attempts
                .iter()
                .all(|a| a.company != Company::Nobody)
            {
                for task in self.claimable(state, place) {
                    faults.push(Fault::ClaimUnheard {
                        process: place,
                        task,
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
        vec![State::started(self.tasks, self.faults)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend(self.steps(state).into_iter().map(Action::Step));
        let over = (0..state.tasks.len()).all(|task| state.is_over(task));
        if state.faults_left > 0 && !over {
            let mut faults = Vec::with_capacity(WORKERS);
            self.faults(state, &mut faults);
            actions.extend(faults.into_iter().map(Action::Fault));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Step(step) => self.step(&mut state, step),
            Action::Fault(fault) => {
                state.faults_left -= 1;
                self.fault(&mut state, fault);
            }
        }
        state.rename();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
