//! A process that dies at any commit boundary loses nothing and does nothing twice.
//!
//! Every point is tried; one that the scenario does not reach fails the test, so a new transaction
//! needs its place in the scenario.

use std::{os::unix::process::ExitStatusExt, time::Duration};

use futures::{StreamExt, stream};

use crate::{
    process::Process,
    scenario::{Point, STAGES, assert_as_without, points, prepare, role, role_until},
    world::World,
};

/// Nobody waits for one to run out.
const LEASE: Duration = Duration::from_secs(30);

async fn dies_and_recovers(point: Point) {
    let _stage = STAGES.acquire().await;
    let world = World::new().await;
    prepare(&world).await;
    let patience = Duration::from_mins(1);
    let mut doomed = Process::start(&role_until(LEASE, "abort", point), world.url());
    let status = doomed.end(patience).await;
    let status = status.unwrap_or_else(|| panic!("{point:?}: the first process hangs"));
    assert_eq!(
        status.signal(),
        Some(6),
        "{point:?} was not reached: {status}"
    );
    let mut next = Process::start(&role(LEASE), world.url());
    let status = next.end(patience).await;
    let status = status.unwrap_or_else(|| panic!("{point:?}: the second process hangs"));
    assert!(status.success(), "{point:?}: {status}");
    assert_as_without(&world, point).await;
}

#[tokio::test]
async fn a_process_may_die_at_any_commit() {
    stream::iter(points())
        .for_each_concurrent(6, dies_and_recovers)
        .await;
}
