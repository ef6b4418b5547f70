//! The claim, lease, settle, join and rescue protocol, checked in every order of events.
//!
//! A test of the engine shows one order. Here a checker walks through all of them, for one run
//! (parent, fan-out of two, join) on two workers, with a given number of faults anywhere.
//! What is not in here: SQL, time, payloads, and more than one run.
//!
//! The promises are in `properties.rs`. Each rule that they rest on is also broken on purpose
//! (`rules.rs`), and the checker has to notice (`slips.rs`).

mod action;
mod database;
mod properties;
mod protocol;
mod rescue;
mod rules;
mod settle;
mod slips;
mod state;
mod transitions;

use std::time::Instant;

use stateright::{Checker, Model};

use crate::{
    protocol::{Limits, Protocol},
    rules::Rules,
};

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

/// Visits every state, and says how many there were.
fn explore(protocol: Protocol) -> impl Checker<Protocol> {
    let started = Instant::now();
    let checker = protocol.checker().spawn_bfs().join();
    println!(
        "{} unique states, {} faults, {} re-drives, {:?}: {:.1} s",
        checker.unique_state_count(),
        protocol.faults,
        protocol.redrives,
        protocol.limits,
        started.elapsed().as_secs_f32(),
    );
    checker
}

fn assert_promises_kept(checker: &impl Checker<Protocol>) {
    for promise in properties::promises() {
        checker.assert_no_discovery(promise.name);
    }
}

/// The promises alone could be kept by a model in which nothing happens, so this is also where
/// every danger must have occurred.
#[test]
fn no_order_of_two_faults_breaks_a_promise() {
    let checker = explore(Protocol {
        rules: Rules::SOUND,
        limits: PATIENT,
        faults: 2,
        redrives: 1,
    });
    checker.assert_properties();
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
