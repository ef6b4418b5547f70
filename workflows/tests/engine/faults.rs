//! Workers that vanish, connections that break, zombies that come back.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;
use workflows::{EngineConfig, Workflow};

use crate::world::{World, config, leaving, quick, step};

static ENTERED: AtomicU32 = AtomicU32::new(0);
static ZOMBIE: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(0));
step!(Haunted "haunted": u32 => i64, quick(3), |cx, _n| {
    if ENTERED.fetch_add(1, Ordering::SeqCst) == 0 {
        let _permit = ZOMBIE.acquire().await;
    }
    Ok(leaving(cx, "haunted", cx.token.0))
});

#[tokio::test]
async fn a_zombie_writes_nothing() {
    let world = World::new().await;
    let route = Workflow::named("haunted", 1).step::<Haunted>().build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &1).await;
    world
        .until("the first attempt", async || {
            (ENTERED.load(Ordering::SeqCst) == 1).then_some(())
        })
        .await;
    // As a sweeper does when the lease has run out.
    let steal = "WITH stolen AS (DELETE FROM workflows.leases RETURNING task_id)
                 INSERT INTO workflows.ready SELECT lane, key, rank, task_id
                 FROM workflows.tasks JOIN stolen USING (task_id)";
    sqlx::query(steal).execute(&world.pool).await.unwrap();
    world.reaches(subject, "succeeded").await;
    let winner = world.result(subject).await;
    ZOMBIE.add_permits(1);
    engine.stop().await;
    assert_eq!(world.effects(subject).await, ["haunted"]);
    assert_eq!(
        world.result(subject).await,
        winner,
        "the stale attempt changed nothing"
    );
    world.assert_idle().await;
}

static GATE: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(0));
step!(Slow "slow": u32 => u32, quick(3), |cx, _n| {
    if cx.attempt == 1 {
        let _permit = GATE.acquire().await;
    }
    Ok(leaving(cx, "slow", cx.attempt))
});

async fn running(world: &World) {
    world
        .until("a claim", async || {
            (world.count("leases").await == 1).then_some(())
        })
        .await;
}

#[tokio::test]
async fn a_stopping_engine_hands_back_what_it_cannot_finish() {
    let world = World::new().await;
    let route = Workflow::named("slow", 1).step::<Slow>().build();
    let subject = world.start(&route, &1).await;
    let first = world.engine(&route);
    running(&world).await;
    first.hasten.cancel();
    first.stop().await;
    assert_eq!(
        (world.count("leases").await, world.count("ready").await),
        (0, 1)
    );
    let interruptions: i32 =
        sqlx::query_scalar("SELECT interruptions FROM workflows.tasks WHERE errors + crashes = 0")
            .fetch_one(&world.pool)
            .await
            .unwrap();
    assert_eq!(interruptions, 1, "no error, no crash");
    let second = world.engine(&route);
    world.reaches(subject, "succeeded").await;
    second.stop().await;
}

#[test]
fn the_tasks_of_a_vanished_worker_run_elsewhere_long_before_the_lease_ends() {
    let survivor = tokio::runtime::Runtime::new().unwrap();
    let world = survivor.block_on(World::new());
    let route = Workflow::named("slow", 1).step::<Slow>().build();
    let subject = survivor.block_on(world.start(&route, &1));
    let hour = EngineConfig {
        lease: Duration::from_hours(1),
        ..config()
    };
    // A runtime of its own, dropped with everything in it: nothing is handed back, as in a crash.
    let doomed = tokio::runtime::Runtime::new().unwrap();
    let engine = {
        let _guard = doomed.enter();
        world.engine_with(&route, hour.clone())
    };
    survivor.block_on(running(&world));
    std::mem::forget(engine);
    doomed.shutdown_background();
    survivor.block_on(async {
        let engine = world.engine_with(&route, hour);
        world.reaches(subject, "succeeded").await;
        assert_eq!(world.result(subject).await, 2);
        let crashed = "SELECT count(*) FROM workflows.attempts WHERE outcome = 'crashed'";
        let crashed: i64 = sqlx::query_scalar(crashed)
            .fetch_one(&world.pool)
            .await
            .unwrap();
        assert_eq!(crashed, 1);
        world.assert_idle().await;
        engine.stop().await;
    });
}

step!(Step1 "step-1": u32 => u32, quick(20), |cx, n| {
    tokio::time::sleep(Duration::from_millis(2)).await;
    Ok(leaving(cx, "step-1", n))
});
step!(Step2 "step-2": u32 => u32, quick(20), |cx, n| Ok(leaving(cx, "step-2", n)));

#[tokio::test]
async fn lost_connections_are_weather() {
    let world = World::new().await;
    let route = Workflow::named("weather", 1)
        .step::<Step1>()
        .step::<Step2>()
        .build();
    let mut subjects = Vec::new();
    for input in 0..150 {
        subjects.push(world.start(&route, &input).await);
    }
    let engine = world.engine(&route);
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE application_name LIKE 'workflows%' AND datname = current_database()";
        sqlx::query(kill).execute(&world.pool).await.unwrap();
    }
    for subject in subjects {
        world.reaches(subject, "succeeded").await;
        assert_eq!(world.effects(subject).await, ["step-1", "step-2"]);
    }
    world.assert_idle().await;
    engine.stop().await;
}
