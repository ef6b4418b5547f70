//! Whom a lost process is blamed on, in every order of events.
//!
//! Some runs of one step each, on two workers. One task is poison: it kills its process whenever it
//! runs. It has to be found, and no other may pay for it, nor for what the world does to processes and
//! connections meanwhile. What is not in here: SQL, time, and what a run does after its first step.

mod action;
mod names;
mod properties;
mod protocol;
mod rules;
mod slips;
mod state;
mod sweep;
mod work;

use stateright::Checker;

use crate::explore;
use protocol::Protocol;
use rules::Rules;

impl crate::Protocol for Protocol {}

/// The second crash kills.
const SOUND: Protocol = Protocol {
    rules: Rules::SOUND,
    crash_limit: 2,
    tasks: 2,
    faults: 1,
};

/// The promises alone could be kept by a model in which nothing happens, so this is also where every
/// danger must have occurred.
#[test]
fn no_fault_blames_an_innocent_task() {
    explore(SOUND).assert_properties();
}

#[test]
fn the_third_crash_is_as_fair_as_the_second() {
    let checker = explore(Protocol {
        crash_limit: 3,
        ..SOUND
    });
    checker.assert_properties();
}

#[test]
fn the_poison_is_found_among_three_others() {
    let checker = explore(Protocol {
        tasks: 4,
        faults: 0,
        ..SOUND
    });
    assert_kept(&checker);
}

#[test]
#[ignore = "two million states, minutes in a debug build"]
fn no_order_of_two_faults_blames_an_innocent_task() {
    let checker = explore(Protocol { faults: 2, ..SOUND });
    checker.assert_properties();
}

#[test]
#[ignore = "a million states, minutes in a debug build"]
fn no_fault_blames_one_of_two_innocent_tasks() {
    let checker = explore(Protocol { tasks: 3, ..SOUND });
    checker.assert_properties();
}

fn assert_kept(checker: &impl Checker<Protocol>) {
    for promise in properties::promises() {
        checker.assert_no_discovery(promise.name);
    }
}
