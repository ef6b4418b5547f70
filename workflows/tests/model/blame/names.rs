//! States that differ only in names are one: which process is called what, which numbers tokens have.

use std::collections::{BTreeMap, BTreeSet};

use super::state::{Place, State, Sweep, Task, Token, WorkerId};

impl State {
    pub fn rename(&mut self) {
        self.forget_the_dead();
        self.processes.sort_unstable();
        self.rename_workers();
        for task in 0..self.tasks.len() {
            self.rename_tokens(task);
        }
    }

    /// Nobody asks any more for the rows of dead workers that have no lease.
    fn forget_the_dead(&mut self) {
        let mut asked: BTreeSet<WorkerId> = self.processes.iter().map(|p| p.id).collect();
        asked.extend((0..self.tasks.len()).filter_map(|task| Some(self.lease(task)?.worker)));
        self.rows
            .retain(|id, row| asked.contains(id) && *row != super::state::WorkerRow::default());
    }

    fn rename_workers(&mut self) {
        let mut names: BTreeMap<WorkerId, WorkerId> = BTreeMap::new();
        let mut name = |id: &mut WorkerId| {
            let next = WorkerId::try_from(names.len()).unwrap_or(WorkerId::MAX);
            *id = *names.entry(*id).or_insert(next);
        };
        for process in &mut self.processes {
            name(&mut process.id);
        }
        for row in &mut self.tasks {
            if let Place::Leased(lease) = &mut row.place {
                name(&mut lease.worker);
            }
        }
        for process in &mut self.processes {
            match &mut process.sweep {
                Sweep::Looked(id) | Sweep::Read(Some(id), _) => name(id),
                Sweep::Idle | Sweep::Read(None, _) | Sweep::Found(..) => {}
            }
        }
        let rows = std::mem::take(&mut self.rows).into_iter();
        let rows = rows.filter_map(|(id, row)| Some((*names.get(&id)?, row)));
        self.rows = rows.collect();
        let charges = std::mem::take(&mut self.charges).into_iter();
        let charges = charges.filter_map(|mut charge| {
            charge.worker = *names.get(&charge.worker)?;
            Some(charge)
        });
        self.charges = charges.collect();
    }

    fn rename_tokens(&mut self, task: Task) {
        let mut known = BTreeSet::from([0]);
        self.each_token(task, |token| {
            known.insert(*token);
        });
        let known: Vec<Token> = known.into_iter().collect();
        self.each_token(task, |token| {
            let place = known.binary_search(token).unwrap_or_default();
            *token = Token::try_from(place).unwrap_or(Token::MAX);
        });
    }

    fn each_token(&mut self, task: Task, mut each: impl FnMut(&mut Token)) {
        let row = &mut self.tasks[task];
        each(&mut row.token);
        if let Place::Leased(lease) = &mut row.place {
            each(&mut lease.token);
        }
        for process in &mut self.processes {
            let attempts = process.attempts.iter_mut();
            attempts
                .filter(|a| a.task == task)
                .for_each(|a| each(&mut a.token));
            match &mut process.sweep {
                Sweep::Read(_, seen) => {
                    let seen = seen.iter_mut();
                    seen.filter(|s| s.task == task)
                        .for_each(|s| each(&mut s.token));
                }
                Sweep::Found(found) if found.task == task => each(&mut found.token),
                _ => {}
            }
            if let Some((of, token)) = &mut process.dead_lettering
                && *of == task
            {
                each(token);
            }
        }
        for row in self.rows.values_mut() {
            if let Some((of, token)) = &mut row.charged
                && *of == task
            {
                each(token);
            }
        }
        let charges = std::mem::take(&mut self.charges).into_iter();
        self.charges = charges
            .map(|mut charge| {
                if charge.task == task {
                    each(&mut charge.token);
                }
                charge
            })
            .collect();
    }
}
