//! Ending an attempt: the one transaction that the whole protocol protects.

use super::{
    database::{Run, Task, Token},
    protocol::Protocol,
    rules::{Fence, Join},
    state::{Attempt, State},
};

/// How the attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Done,
    /// An error of this attempt.
    Retry,
    /// The input's fault; ends the run.
    Reject,
    /// Given back without blame, as a draining worker does.
    HandBack,
    /// Its worker died of it for the last time.
    Crashed,
}

impl Protocol {
    /// The fence: whether a completion of this attempt would be written.
    pub fn admits(&self, state: &State, worker: usize, attempt: Attempt) -> bool {
        let lease = state.database.leases.get(attempt.task);
        match self.rules.fence {
            Fence::None => true,
            Fence::Token => lease.is_some_and(|lease| lease.token == attempt.token),
            Fence::TokenAndWorker => {
                lease.is_some_and(|lease| attempt.holds(state.workers[worker].id, lease))
            }
        }
    }

    /// Writes all that follows from the attempt, or nothing.
    pub fn complete(&self, state: &mut State, worker: usize, attempt: Attempt, verdict: Verdict) {
        if !self.admits(state, worker, attempt) {
            state.history.seen.refusal = true;
            return;
        }
        let task = attempt.task;
        let id = state.workers[worker].id;
        let lease = state.database.leases.get(task);
        if !lease.is_some_and(|lease| attempt.holds(id, lease)) {
            state.history.broken.stale_completion_written = true;
        }
        state.end_lease(task, attempt.token);
        match verdict {
            Verdict::Done => self.done(state, attempt),
            Verdict::Retry => self.retry(state, task),
            Verdict::Reject => state.database.abandon(Run::Rejected),
            Verdict::HandBack => state.database.make_ready(task),
            Verdict::Crashed => state.database.dead_letter(task),
        }
    }

    fn done(&self, state: &mut State, attempt: Attempt) {
        let task = attempt.task;
        state.database.tasks.delete(task);
        state.history.effects[task as usize] += 1;
        match task {
            Task::Parent => {
                state.database.fan_out = Some(2);
                for child in Task::CHILDREN {
                    state.insert_successor(child);
                }
            }
            Task::FirstChild | Task::SecondChild => self.count_down(state, attempt),
            Task::Join => state.database.run = Run::Succeeded,
        }
    }

    fn count_down(&self, state: &mut State, child: Attempt) {
        let Some(current) = state.database.fan_out else {
            return;
        };
        let before = match self.rules.join {
            Join::CountedDown => current,
            Join::ReadBefore => child.remaining_seen.unwrap_or(current),
        };
        state.database.fan_out = before.checked_sub(1).filter(|remaining| *remaining > 0);
        if state.database.fan_out.is_none() {
            state.insert_successor(Task::Join);
        }
    }

    fn retry(&self, state: &mut State, task: Task) {
        let Some(row) = state.database.tasks.get_mut(task) else {
            return;
        };
        row.errors += 1;
        // Whoever comes to the end of an attempt has not killed the process.
        row.suspected = false;
        if row.errors >= self.limits.errors {
            state.database.dead_letter(task);
        } else {
            state.database.deferred.insert(task, ());
        }
    }
}

impl State {
    /// The attempt is recorded in the history, in which a token stands once.
    pub fn end_lease(&mut self, task: Task, token: Token) {
        self.database.leases.delete(task);
        self.database.flush();
        if let Some(row) = self.database.tasks.get_mut(task) {
            self.history.broken.token_recorded_again |= token <= row.token;
            row.token = token;
        }
    }
}
