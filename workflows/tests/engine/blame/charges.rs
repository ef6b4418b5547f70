//! Whom a lost process is blamed on. (All orders of events are in the model; here are those that the
//! engine itself once got wrong.)

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use devkit::{TcpProxy, proxy::Which};
use sqlx::PgPool;
use tokio::sync::Semaphore;
use uuid::Uuid;
use workflows::{Engine, EngineConfig, Workflow};

use crate::{
    process::Process,
    world::{World, config, leaving, quick, step},
};

/// As the processes of `peers::poisoned_worker` have it.
const LEASE: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_poison_is_found_even_if_its_processes_come_back_later_than_their_leases_last() {
    let world = World::new().await;
    let route = crate::peers::poisonous();
    let subject = world.start(&route, &666).await;
    let mut crashes = 0;
    let began = Instant::now();
    while state(&world, subject).await != "dead" {
        let waited = began.elapsed();
        assert!(
            waited < Duration::from_secs(50),
            "waited {waited:?} for a dead letter"
        );
        let mut worker = Process::start("poison", world.url());
        // It dies of the poison, or buries it and is killed here.
        if worker.end(Duration::from_secs(6)).await.is_some() {
            crashes += 1;
        }
        assert!(crashes <= 3, "the poison is taken again and again");
        if state(&world, subject).await != "dead" {
            tokio::time::sleep(LEASE + Duration::from_secs(1)).await;
        }
    }
    assert_eq!(world.letter().await.cause, workflows::Cause::Crashes);
}

async fn state(world: &World, subject: Uuid) -> String {
    let run = workflows::inspect::latest_run(&world.pool, subject).await;
    run.expect("an answer").expect("a run").state.to_string()
}

static GATE: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(0));
step!(Short "short": u32 => u32, quick(3), |cx, n| {
    match cx.attempt {
        // Is over before its process has a connection again.
        1 => tokio::time::sleep(Duration::from_millis(600)).await,
        _ => drop(GATE.acquire().await),
    }
    Ok(leaving(cx, "short", n))
});

#[tokio::test]
async fn who_was_away_for_a_moment_takes_the_charge_back_with_empty_hands() {
    let world = World::new().await;
    let proxy = TcpProxy::to_database(world.url()).await.expect("a proxy");
    let way = PgPool::connect_lazy(&proxy.url(world.url())).expect("a URL");
    let route = Workflow::named("short", 1).step::<Short>().build();
    let subject = world.start(&route, &1).await;
    let away = World::run(Engine::new(&way, config()).register(&route));
    let begun = async || (world.count("leases").await == 1).then_some(());
    world.until("a claim", begun).await;
    let other = world.engine_with(
        &route,
        EngineConfig {
            sweep: Duration::from_millis(50),
            ..config()
        },
    );
    tokio::time::sleep(Duration::from_millis(300)).await;
    proxy.refuse(true);
    proxy.cut(Which::All);
    let crashes = async || {
        let sql = "SELECT crashes FROM workflows.tasks";
        sqlx::query_scalar::<_, i32>(sql)
            .fetch_one(&world.pool)
            .await
            .expect("the task")
    };
    let charged = async || (crashes().await == 1).then_some(());
    world.until("a charge", charged).await;
    proxy.refuse(false);
    let forgiven = async || (crashes().await == 0).then_some(());
    world.until("the charge to be taken back", forgiven).await;
    GATE.add_permits(1);
    world.reaches(subject, "succeeded").await;
    assert_eq!(world.effects(subject).await, ["short"]);
    other.stop().await;
    away.stop().await;
}

/// The step has begun: a claim alone may still be handed back before it does.
static BEGUN: Semaphore = Semaphore::const_new(0);
step!(Stubborn "stubborn": u32 => u32, quick(3), |cx, n| {
    if cx.attempt == 1 {
        BEGUN.add_permits(1);
        // Does not hear that it should stop.
        std::thread::sleep(Duration::from_secs(6));
    }
    Ok(leaving(cx, "stubborn", n))
});

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_leaves_a_task_behind_has_not_died_of_it() {
    let world = World::new().await;
    let route = Workflow::named("stubborn", 1).step::<Stubborn>().build();
    let subject = world.start(&route, &1).await;
    let hasty = EngineConfig {
        grace: Duration::from_millis(100),
        ..config()
    };
    let leaving = world.engine_with(&route, hasty);
    let begun = async || (BEGUN.available_permits() == 1).then_some(());
    world.until("the step to begin", begun).await;
    leaving.stop().await;
    let other = world.engine(&route);
    world.reaches(subject, "succeeded").await;
    let outcomes = "SELECT array_agg(outcome ORDER BY token) FROM workflows.attempts";
    let outcomes: Vec<String> = sqlx::query_scalar(outcomes)
        .fetch_one(&world.pool)
        .await
        .expect("outcomes");
    assert_eq!(outcomes, ["lost", "done"], "a deploy is free");
    other.stop().await;
}
