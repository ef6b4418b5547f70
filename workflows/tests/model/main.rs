//! The engine's protocol as two state machines, checked in every order of events.
//!
//! A test of the engine shows one order. Here a checker walks through all of them, with a given number
//! of faults anywhere: [`route`] follows one run through a fan-out and its join, [`blame`] some runs
//! through the deaths of processes. What is not in here: SQL, time and payloads.
//!
//! The promises are in each `properties.rs`. Each rule that they rest on is also broken on purpose
//! (`rules.rs`), and the checker has to notice (`slips.rs`).

mod blame;
mod route;

use std::{fmt::Debug, hash::Hash, time::Instant};

use stateright::{Checker, HasDiscoveries, Model};

/// What the checker can walk through.
trait Protocol:
    Model<State: Clone + Debug + Hash + PartialEq + Send + Sync, Action: Clone + Debug + PartialEq>
    + Copy
    + Debug
    + Send
    + Sync
    + 'static
{
}

/// Visits every state, and says how many there were.
fn explore<M: Protocol>(protocol: M) -> impl Checker<M> {
    let started = Instant::now();
    let checker = protocol.checker().spawn_bfs().join();
    println!(
        "{} unique states of {protocol:?}: {:.1} s",
        checker.unique_state_count(),
        started.elapsed().as_secs_f32(),
    );
    checker
}

/// States among which a story has to be found.
const ENOUGH: usize = 2_000_000;

/// The checker finds a state in which a promise is broken.
fn assert_caught<M: Protocol>(protocol: M, promise: &'static str) {
    assert_happens(protocol, promise, "not so: ");
}

/// The checker finds a state of which `what` tells, and prints how it came to that.
fn assert_happens<M: Protocol>(protocol: M, what: &'static str, not_so: &str) {
    let checker = protocol.checker().target_state_count(ENOUGH);
    let found = HasDiscoveries::AnyOf([what].into());
    let checker = checker.finish_when(found).spawn_bfs().join();
    let path = checker.discovery(what);
    let path = path.unwrap_or_else(|| panic!("nobody noticed: {protocol:?}"));
    let states = checker.unique_state_count();
    println!("{not_so}{what} ({states} unique states)");
    for action in path.into_actions() {
        println!("    {action:?}");
    }
}
