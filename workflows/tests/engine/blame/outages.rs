//! The database is away while steps run and end. Their results count when it is back.

use std::time::Duration;

use devkit::{TcpProxy, proxy::Which};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::time::sleep;
use workflows::{Attempt, Done, Engine, EngineConfig, Step, StepError, StepSettings, Workflow};

use crate::{
    evidence::{AT_ONCE, Executions},
    world::{Running, World, config, quick, step},
};

/// A step that takes as many milliseconds as it is told.
pub struct Takes;

impl Step for Takes {
    const NAME: &'static str = "takes";
    type Context = Executions;
    type Input = u64;
    type Output = u64;

    fn settings() -> StepSettings {
        quick(1)
    }

    async fn run(cx: &Attempt<Executions>, millis: u64) -> Result<Done<u64>, StepError> {
        cx.context.note(cx);
        sleep(Duration::from_millis(millis)).await;
        Ok(Done::new(millis))
    }
}

pub fn taking(executions: &Executions) -> Workflow<u64> {
    Workflow::named("taking", 1)
        .step::<Takes>()
        .build()
        .with_context(executions.clone())
}

/// The way to the database that an engine has, for a test to close.
pub async fn way(world: &World) -> (TcpProxy, PgPool) {
    let proxy = TcpProxy::to_database(world.url()).await.expect("a proxy");
    let way = PgPool::connect_lazy(&proxy.url(world.url())).expect("a URL");
    (proxy, way)
}

pub fn with_lease(slots: usize, lease: Duration) -> EngineConfig {
    EngineConfig {
        queues: vec![("default".to_owned(), slots)],
        lease,
        ..config()
    }
}

/// Starts as many runs as there are slots and waits until all are in hand.
pub async fn all_in_hand(world: &World, route: &Workflow<u64>, runs: i64, millis: u64) {
    for _ in 0..runs {
        world.start(route, &millis).await;
    }
    let claimed = async || (world.count("leases").await == runs).then_some(());
    world
        .within(AT_ONCE * 3, "all to be claimed", claimed)
        .await;
}

step!(Again "again": u64 => u64, quick(3), |cx, millis| match cx.attempt {
    1 => Err(StepError::Retry { source: "not yet".into(), after: Some(Duration::from_millis(millis)) }),
    _ => Ok(Done::new(millis)),
});

async fn read_only(observer: &mut PgConnection, on: bool) {
    let sql = if on {
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on',
                    current_database()); END $$"
    } else {
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only',
                    current_database()); END $$"
    };
    sqlx::raw_sql(sql).execute(&mut *observer).await.unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE application_name LIKE 'workflows%' AND datname = current_database()";
    if on {
        sqlx::query(end).execute(observer).await.unwrap();
    }
}

/// As on a standby before it is promoted. Sessions that begin in that time stay read-only.
#[tokio::test]
async fn a_database_that_is_read_only_for_a_while() {
    let world = World::new().await;
    let executions = Executions::default();
    let (route, again) = (
        taking(&executions),
        Workflow::named("again", 1).step::<Again>().build(),
    );
    let engine = Engine::new(&world.pool, with_lease(16, Duration::from_secs(30)));
    let engine = World::run(engine.register(&route).register(&again));
    // Of what becomes due meanwhile and afterwards, nothing is forgotten.
    for millis in [2_500, 6_000] {
        world.start(&again, &millis).await;
    }
    let deferred = async || (world.count("deferred").await == 2).then_some(());
    world
        .within(AT_ONCE * 3, "two retries to wait", deferred)
        .await;
    all_in_hand(&world, &route, 10, 2_000).await;
    let mut observer = PgConnection::connect(world.url()).await.unwrap();
    read_only(&mut observer, true).await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(executions.total(), 10, "they were executed");
    read_only(&mut observer, false).await;
    world.succeed("taking", 10, Duration::from_secs(10)).await;
    executions.assert_once_each(10);
    assert_eq!(world.attempts_of("taking").await, ["done"; 10]);
    world.succeed("again", 2, Duration::from_secs(10)).await;
    let again = world.attempts_of("again").await;
    assert_eq!(
        again.iter().filter(|outcome| *outcome == "error").count(),
        2,
        "{again:?}"
    );
    assert_eq!(again.len(), 4, "{again:?}");
    world.start(&route, &0).await;
    world.succeed("taking", 11, AT_ONCE * 2).await;
    engine.stop().await;
}

/// Somebody else is there who would take what is lost.
fn idle_engine(world: &World, route: &Workflow<u64>, lease: Duration) -> Running {
    world.engine_with(route, with_lease(16, lease))
}

#[tokio::test]
async fn a_presence_that_is_lost_and_cannot_be_had_again_for_a_while() {
    let world = World::new().await;
    let (proxy, way) = way(&world).await;
    let executions = Executions::default();
    let (route, lease) = (taking(&executions), Duration::from_secs(30));
    let engine = Engine::new(&way, with_lease(16, lease)).register(&route);
    let engine = World::run(engine);
    all_in_hand(&world, &route, 16, 6_000).await;
    let idle = idle_engine(&world, &route, lease);
    sleep(Duration::from_secs(1)).await;
    proxy.refuse(true);
    assert_eq!(
        world.terminate("workflows presence").await,
        2,
        "the idle one's too"
    );
    sleep(Duration::from_secs(3)).await;
    proxy.refuse(false);
    world.succeed("taking", 16, Duration::from_secs(10)).await;
    executions.assert_once_each(16);
    world.assert_each_done_once(16).await;
    engine.stop().await;
    idle.stop().await;
}

/// Longer than the lease.
const AWAY: Duration = Duration::from_secs(8);
const LEASE: Duration = Duration::from_secs(3);

/// Two processes, and none of them can reach the database while their steps end.
async fn is_away(part: impl Fn(&TcpProxy, bool)) {
    let world = World::new().await;
    let (proxy, way) = way(&world).await;
    let executions = Executions::default();
    let route = taking(&executions);
    let engine = || World::run(Engine::new(&way, with_lease(8, LEASE)).register(&route));
    let engines = [engine(), engine()];
    all_in_hand(&world, &route, 16, 3_000).await;
    part(&proxy, true);
    sleep(AWAY).await;
    part(&proxy, false);
    world.succeed("taking", 16, Duration::from_secs(15)).await;
    executions.assert_once_each(16);
    world.assert_each_done_once(16).await;
    for engine in engines {
        engine.stop().await;
    }
}

#[tokio::test]
async fn a_network_that_is_parted_for_longer_than_the_lease() {
    is_away(TcpProxy::partition).await;
}

#[tokio::test]
async fn a_database_that_is_gone_for_longer_than_the_lease() {
    is_away(|proxy, away| {
        proxy.refuse(away);
        if away {
            proxy.cut(Which::All);
        }
    })
    .await;
}

/// What was sent arrives, answers do not, and the server never hears of an end.
#[tokio::test]
async fn connections_that_are_silent_and_cannot_be_had_again_for_longer_than_the_lease() {
    is_away(|proxy, away| {
        proxy.partition(away);
        if away {
            proxy.silence(Which::All);
        }
    })
    .await;
}
