//! The claim, lease, complete, join and rescue protocol for one run (parent, fan-out of two, join) on two
//! workers, with people who cancel and re-drive.

mod action;
mod complete;
mod database;
mod properties;
mod protocol;
mod rescue;
mod rules;
mod slips;
mod state;
mod transitions;

use stateright::Checker;

use crate::{assert_happens, explore};
use protocol::{Limits, Protocol};
use rules::Rules;

impl crate::Protocol for Protocol {}

/// The second error or crash of a task kills it.
const PATIENT: Limits = Limits {
    errors: 2,
    crashes: 2,
};
/// A crash kills at once, so that few faults make many dead letters.
const STRICT: Limits = Limits {
    errors: 2,
    crashes: 1,
};

fn assert_promises_kept(checker: &impl Checker<Protocol>) {
    for promise in properties::promises() {
        checker.assert_no_discovery(promise.name);
    }
}

/// The promises alone could be kept by a model in which nothing happens, so every danger must have
/// occurred as well.
fn assert_seen(checker: &impl Checker<Protocol>, but: &str) {
    let possibilities = properties::possibilities().into_iter();
    for possibility in possibilities.filter(|possibility| possibility.name != but) {
        checker.assert_any_discovery(possibility.name);
    }
}

#[test]
fn no_order_of_two_faults_breaks_a_promise() {
    let checker = explore(Protocol {
        rules: Rules::SOUND,
        limits: PATIENT,
        faults: 2,
        redrives: 1,
    });
    assert_promises_kept(&checker);
    assert_seen(&checker, properties::BOTH_DIE);
}

#[test]
fn two_people_may_redrive_the_same_dead_letter() {
    let checker = explore(Protocol {
        rules: Rules::SOUND,
        limits: STRICT,
        faults: 1,
        redrives: 2,
    });
    assert_promises_kept(&checker);
}

#[test]
fn two_crashes_may_kill_both_children() {
    let protocol = Protocol {
        rules: Rules::SOUND,
        limits: STRICT,
        faults: 2,
        redrives: 0,
    };
    assert_happens(protocol, properties::BOTH_DIE, "");
}

#[test]
#[ignore = "millions of states, minutes in a debug build"]
fn no_order_of_three_faults_breaks_a_promise() {
    let checker = explore(Protocol {
        rules: Rules::SOUND,
        limits: PATIENT,
        faults: 3,
        redrives: 0,
    });
    assert_promises_kept(&checker);
}
