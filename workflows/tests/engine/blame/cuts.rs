//! All connections are cut at once, again and again, while long steps run.

use std::time::Duration;

use devkit::proxy::Which;
use tokio::time::sleep;
use workflows::Engine;

use super::outages::{all_in_hand, taking, way, with_lease};
use crate::{evidence::Executions, world::World};

/// Two processes that would take each other's tasks.
async fn cut_every(pause: Duration, cuts: u32, lease: Duration) {
    let world = World::new().await;
    let (proxy, way) = way(&world).await;
    let executions = Executions::default();
    let route = taking(&executions);
    let engine = || World::run(Engine::new(&way, with_lease(8, lease)).register(&route));
    let engines = [engine(), engine()];
    all_in_hand(&world, &route, 16, 6_000).await;
    let mut cut = 0;
    for _ in 0..cuts {
        sleep(pause).await;
        cut += proxy.cut(Which::All);
    }
    assert!(cut > 16, "they were connected: {cut}");
    world.succeed("taking", 16, Duration::from_secs(20)).await;
    world.assert_nobody_charged().await;
    world.assert_idle().await;
    eprintln!(
        "cut {cuts} times: {:?}, {} executions",
        world.outcomes().await,
        executions.total()
    );
    for engine in engines {
        engine.stop().await;
    }
}

#[tokio::test]
async fn every_second() {
    cut_every(Duration::from_secs(1), 6, Duration::from_secs(30)).await;
}

#[tokio::test]
async fn all_the_time() {
    cut_every(Duration::from_millis(150), 40, Duration::from_secs(30)).await;
}

#[tokio::test]
async fn every_second_under_a_short_lease() {
    cut_every(Duration::from_secs(1), 6, Duration::from_secs(3)).await;
}
