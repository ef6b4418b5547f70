//! What must hold in every state, and what must be possible at all.
//!
//! The second kind guards the first: a model in which no zombie ever knocks proves nothing about
//! fences.

use stateright::Property;

use super::{
    database::{Run, Task},
    protocol::Protocol,
    state::State,
};

pub const ONE_PLACE: &str = "a task is in exactly one place";
pub const NO_RUN_LOST: &str = "no run is lost";
pub const NOTHING_LEFT: &str = "an ended run leaves nothing behind";
pub const FAN_OUT_COUNTS: &str = "a fan-out waits for exactly its unfinished children";
pub const EFFECT_ONCE: &str = "an effect is counted at most once";
pub const INSERTED_ONCE: &str = "a task, the join above all, is inserted at most once";
pub const NO_STALE_WRITE: &str = "a stale completion writes nothing";
pub const RESCUED_AS_SEEN: &str = "a rescue takes only the lease that it saw";
pub const TOKENS_GROW: &str = "a token stands in the history once";
pub const CHARGED_FAIRLY: &str = "no task is charged with more crashes than there were faults";
pub const GOES_ON: &str = "whatever is left to do can be done without further faults";
pub const SUCCESS_IS_WHOLE: &str = "a succeeded run has every effect exactly once";

/// More dies here than two faults kill, unless a crash kills at once.
pub const BOTH_DIE: &str = "both children die";

/// Holds everywhere; a counterexample to one is a broken protocol.
pub fn promises() -> Vec<Property<Protocol>> {
    vec![
        Property::always(ONE_PLACE, |_, state: &State| {
            Task::ALL.into_iter().all(|task| in_one_place(state, task))
        }),
        Property::always(NO_RUN_LOST, no_run_lost),
        Property::always(NOTHING_LEFT, nothing_left),
        Property::always(FAN_OUT_COUNTS, fan_out_counts),
        Property::always(EFFECT_ONCE, |_, state: &State| {
            state.history.effects.iter().all(|n| *n <= 1)
        }),
        Property::always(INSERTED_ONCE, |_, state: &State| {
            state.history.inserted.iter().all(|n| *n <= 1)
        }),
        Property::always(NO_STALE_WRITE, |_, state: &State| {
            !state.history.broken.stale_completion_written
        }),
        Property::always(RESCUED_AS_SEEN, |_, state: &State| {
            !state.history.broken.unseen_lease_taken
        }),
        Property::always(TOKENS_GROW, |_, state: &State| {
            !state.history.broken.token_recorded_again
        }),
        Property::always(CHARGED_FAIRLY, charged_fairly),
        Property::always(GOES_ON, goes_on),
        Property::always(SUCCESS_IS_WHOLE, |_, state: &State| {
            state.database.run != Run::Succeeded || state.history.effects == [1; Task::ALL.len()]
        }),
    ]
}

/// What the model must be able to show.
pub fn possibilities() -> Vec<Property<Protocol>> {
    let mut possibilities = ends();
    possibilities.extend(dangers());
    possibilities
}

pub fn all() -> Vec<Property<Protocol>> {
    let mut properties = promises();
    properties.extend(possibilities());
    properties
}

fn ends() -> Vec<Property<Protocol>> {
    vec![
        Property::sometimes("a run succeeds", |_, state: &State| {
            state.database.run == Run::Succeeded
        }),
        Property::sometimes("a run dies", |_, state: &State| {
            state.database.run == Run::Dead
        }),
        Property::sometimes("a run is cancelled", |_, state: &State| {
            state.database.run == Run::Cancelled
        }),
        Property::sometimes("a run is rejected", |_, state: &State| {
            state.database.run == Run::Rejected
        }),
        Property::sometimes("a re-driven run succeeds", |_, state: &State| {
            state.history.seen.redrive && state.database.run == Run::Succeeded
        }),
        Property::sometimes(
            "a run outlives a worker and succeeds",
            |_, state: &State| state.database.run == Run::Succeeded && state.last_worker > 1,
        ),
    ]
}

fn dangers() -> Vec<Property<Protocol>> {
    vec![
        Property::sometimes(
            "a failed attempt waits for its retry",
            |_, state: &State| !state.database.deferred.is_empty(),
        ),
        Property::sometimes("a rescued task is under way again", |_, state: &State| {
            let database = &state.database;
            Task::ALL.into_iter().any(|task| {
                database.leases.has(task)
                    && database.tasks.get(task).is_some_and(|row| row.crashes > 0)
            })
        }),
        Property::sometimes(
            "a zombie works on what another worker has",
            |_, state: &State| {
                let [first, second] = &state.workers;
                first
                    .attempts
                    .iter()
                    .any(|held| second.has_in_hand(held.task))
            },
        ),
        Property::sometimes("a zombie is refused", |_, state: &State| {
            state.history.seen.refusal
        }),
        Property::sometimes(
            "an attempt does not know that it was committed",
            |_, state: &State| {
                let mut attempts = state.workers.iter().flat_map(|worker| &worker.attempts);
                attempts.any(|attempt| state.history.effects[attempt.task as usize] == 1)
            },
        ),
        Property::sometimes("a worker does not know what it has", |_, state: &State| {
            Task::ALL.into_iter().any(|task| {
                let lease = state.database.leases.get(task);
                let mut workers = state.workers.iter();
                workers.any(|worker| {
                    lease.is_some_and(|lease| lease.worker == worker.id)
                        && !worker.has_in_hand(task)
                })
            })
        }),
        Property::sometimes(
            "a task is about to become a dead letter",
            |_, state: &State| {
                state
                    .workers
                    .iter()
                    .any(|worker| worker.dead_lettering.is_some())
            },
        ),
        Property::sometimes("a dead run still works on a sibling", |_, state: &State| {
            state.database.run == Run::Dead && !state.database.leases.is_empty()
        }),
        Property::sometimes(BOTH_DIE, |_, state: &State| {
            Task::CHILDREN
                .into_iter()
                .all(|child| state.database.dead_letters.has(child))
        }),
    ]
}

/// A live task is ready, suspected, deferred or leased; a dead one is a letter and nothing else.
fn in_one_place(state: &State, task: Task) -> bool {
    let database = &state.database;
    let places = [
        database.ready.has(task),
        database.suspects.has(task),
        database.deferred.has(task),
        database.leases.has(task),
    ];
    let places = places.into_iter().filter(|here| *here).count();
    let letter = database.dead_letters.has(task);
    places == usize::from(database.tasks.has(task)) && !(letter && database.tasks.has(task))
}

/// Something will move a running run, and somebody is told of a dead one.
fn no_run_lost(_: &Protocol, state: &State) -> bool {
    let database = &state.database;
    match database.run {
        Run::Running => !database.tasks.is_empty() && database.dead_letters.is_empty(),
        Run::Dead => !database.dead_letters.is_empty(),
        Run::Succeeded | Run::Rejected | Run::Cancelled => true,
    }
}

fn nothing_left(_: &Protocol, state: &State) -> bool {
    let database = &state.database;
    !database.run.has_ended()
        || (database.tasks.is_empty()
            && database.ready.is_empty()
            && database.suspects.is_empty()
            && database.deferred.is_empty()
            && database.leases.is_empty()
            && database.dead_letters.is_empty()
            && database.fan_out.is_none())
}

fn fan_out_counts(_: &Protocol, state: &State) -> bool {
    let database = &state.database;
    let unfinished = Task::CHILDREN
        .into_iter()
        .filter(|child| database.tasks.has(*child) || database.dead_letters.has(*child))
        .count();
    usize::from(database.fan_out.unwrap_or(0)) == unfinished && database.fan_out != Some(0)
}

/// One fault may hit several tasks, but each of them once.
fn charged_fairly(protocol: &Protocol, state: &State) -> bool {
    let faults = protocol.faults - state.faults_left;
    let database = &state.database;
    Task::ALL.into_iter().all(|task| {
        let row = database.tasks.get(task).or(database.dead_letters.get(task));
        row.is_none_or(|row| row.crashes <= faults)
    })
}

/// No state with a live task is a dead end. That is progress, because no steps lead in a circle:
/// a claim uses up a token, a completion an attempt, and only a fault undoes what the others do.
fn goes_on(protocol: &Protocol, state: &State) -> bool {
    if state.database.tasks.is_empty() {
        return true;
    }
    let mut steps = Vec::new();
    protocol.steps(state, &mut steps);
    !steps.is_empty()
}
