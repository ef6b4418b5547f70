//! What must hold in every state, and what must be possible at all.

use stateright::Property;

use super::{
    action::Step,
    protocol::Protocol,
    rules::Forgiveness,
    state::{Charge, Company, Frozen, POISON, Place, State, Task},
};

pub const FAIR: &str =
    "an innocent task is charged only with deaths of processes in which there was nothing else";
pub const FOUND: &str = "the poison is found before it has killed many processes";
pub const GOES_ON: &str = "whatever is left to do can be done without those who stand still";
pub const NOBODY_WAITS: &str = "who stands still holds up nothing but what is in his hand";

/// Holds everywhere; a counterexample to one is a broken protocol.
pub fn promises() -> Vec<Property<Protocol>> {
    vec![
        Property::always(FAIR, |protocol: &Protocol, state: &State| {
            (1..state.tasks.len()).all(|task| is_fair(protocol, state, task))
        }),
        Property::always(FOUND, |protocol: &Protocol, state: &State| {
            state.kills <= protocol.kills()
        }),
        Property::always(GOES_ON, goes_on),
        Property::always(NOBODY_WAITS, nobody_waits),
    ]
}

/// What the model must be able to show.
fn possibilities() -> Vec<Property<Protocol>> {
    vec![
        Property::sometimes(
            "the poison is dead, and all else is done",
            |_, state: &State| {
                let dead = state.tasks[POISON].place == Place::Dead;
                dead && state.tasks[1..]
                    .iter()
                    .all(|task| task.place == Place::Done)
            },
        ),
        Property::sometimes("a suspect waits to be alone", |_, state: &State| {
            state.processes.iter().any(|process| {
                let waits = |a: &super::state::Attempt| a.company == Company::Nobody && !a.begun;
                process.attempts.iter().any(waits) && process.attempts.len() > 1
            })
        }),
        Property::sometimes(
            "a living process is charged with its death",
            |_, state: &State| !state.charges.is_empty(),
        ),
        Property::sometimes(
            "a lease is taken over, to dead_letter its task",
            |_, state: &State| {
                state
                    .processes
                    .iter()
                    .any(|process| process.dead_lettering.is_some())
            },
        ),
        Property::sometimes(
            "somebody stands still with a run in his hand",
            |_, state: &State| {
                let mut processes = state.processes.iter();
                processes.any(|process| matches!(process.frozen, Frozen::Holding(_)))
            },
        ),
        Property::sometimes(
            "a zombie works beside the next attempt",
            |_, state: &State| {
                let [first, second] = &state.processes;
                let mut attempts = first.attempts.iter();
                attempts.any(|attempt| second.has_in_hand(attempt.task))
            },
        ),
        Property::sometimes("a process does not know what it has", |_, state: &State| {
            state.processes.iter().any(|process| {
                let mut leases = state.leases_of(process.id);
                leases
                    .any(|(task, _)| !process.has_in_hand(task) && process.dead_lettering.is_none())
            })
        }),
    ]
}

pub fn all() -> Vec<Property<Protocol>> {
    let mut properties = promises();
    properties.extend(possibilities());
    properties
}

/// What it was charged with beyond that will be taken back.
fn is_fair(protocol: &Protocol, state: &State, task: Task) -> bool {
    let to_come = state.charges.iter().filter(|charge| charge.task == task);
    let to_come = to_come.filter(|charge| will_be_taken_back(protocol, state, **charge));
    usize::from(state.credit[task].unsigned_abs()) <= to_come.count() || state.credit[task] >= 0
}

fn will_be_taken_back(protocol: &Protocol, state: &State, charge: Charge) -> bool {
    let row = state.row(charge.worker);
    let process = state.process_of(charge.worker);
    match protocol.rules.forgiveness {
        Forgiveness::ByTheRow => row.charged == Some((charge.task, charge.token)),
        Forgiveness::OfWhatIsInHand => {
            let in_hand = process.is_some_and(|process| process.has_in_hand(charge.task));
            in_hand && row.robbed
        }
    }
}

/// Somebody can do something.
fn goes_on(protocol: &Protocol, state: &State) -> bool {
    let over = (0..state.tasks.len()).all(|task| state.is_over(task));
    let mut steps = protocol.steps(state).into_iter();
    over || all_stand_still(state) || steps.any(|step| !matches!(step, Step::Thaw { .. }))
}

fn all_stand_still(state: &State) -> bool {
    let mut processes = state.processes.iter();
    processes.all(|process| process.frozen != Frozen::No)
}

/// Whatever nobody has locked can be done while the others stand still and keep their locks.
fn nobody_waits(protocol: &Protocol, state: &State) -> bool {
    let mut tasks = 0..state.tasks.len();
    let free = tasks.any(|task| !state.is_over(task) && !state.is_locked(task));
    let locked = (0..state.tasks.len()).any(|task| state.is_locked(task));
    !(free && locked)
        || all_stand_still(state)
        || protocol.steps(state).iter().any(|step| match step {
            Step::Thaw { .. } | Step::LoseTransaction { .. } => false,
            Step::Lapse { task } => !state.is_locked(*task),
            _ => true,
        })
}
