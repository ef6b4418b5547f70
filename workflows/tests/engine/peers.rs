//! Where other queues on Postgres were seen to fail. (Their other failures have tests beside what
//! they are about: lost connections and same-name restarts in `faults`, steps after a crash in
//! `crash_points`, steps known by position in `versions`, payloads that do not decode in
//! `failures`, re-drive in `dead_letters`.)

use std::time::Duration;

use serde_json::Value;
use sqlx::{PgPool, Row, postgres::PgListener};
use uuid::Uuid;
use workflows::{
    Backoff, Done, Engine, EngineConfig, FanOut, Joined, StepError, StepSettings, Workflow,
};

use crate::{
    process::Process,
    world::{World, config, leaving, quick, slots, step},
};

step!(Slow "slow": u32 => u32, quick(3), |cx, n| {
    tokio::time::sleep(Duration::from_millis(1500)).await;
    Ok(leaving(cx, "slow", n))
});

#[tokio::test]
async fn heartbeats_do_not_starve_behind_long_steps() {
    let world = World::new().await;
    let route = Workflow::named("slow", 1).step::<Slow>().build();
    // Steps last longer than leases, and more is waiting than can run.
    let short = || EngineConfig {
        lease: Duration::from_millis(600),
        ..slots(1)
    };
    let engines = [
        world.engine_with(&route, short()),
        world.engine_with(&route, short()),
    ];
    let mut subjects = Vec::new();
    for n in 0..4 {
        subjects.push(world.start(&route, &n).await);
    }
    for subject in subjects {
        world.reaches(subject, "succeeded").await;
    }
    let attempts =
        "SELECT count(*), count(*) FILTER (WHERE outcome = 'done') FROM workflows.attempts";
    let row = sqlx::query(attempts).fetch_one(&world.pool).await.unwrap();
    assert_eq!(
        (row.get::<i64, _>(0), row.get::<i64, _>(1)),
        (4, 4),
        "nothing ran twice"
    );
    for engine in engines {
        engine.stop().await;
    }
}

fn hourly() -> StepSettings {
    let hour = Duration::from_hours(1);
    let backoff = Backoff {
        first: hour,
        cap: hour,
        ..Backoff::default()
    };
    StepSettings {
        backoff,
        ..StepSettings::default()
    }
}
step!(Busy "busy": Option<u64> => u32, hourly(), |_cx, after| {
    let after = after.map(Duration::from_secs);
    Err(StepError::Retry { source: "busy".into(), after })
});

#[tokio::test]
async fn a_failing_step_waits_in_the_database_and_not_in_a_slot() {
    let world = World::new().await;
    let route = Workflow::named("busy", 1).step::<Busy>().build();
    let other = Workflow::named("other", 1).step::<Slow>().build();
    // One slot: if a failing step waited in it, nothing else would run.
    let engine = Engine::new(&world.pool, slots(1))
        .register(&route)
        .register(&other);
    let engine = World::run(engine);
    for _ in 0..5 {
        world.start(&route, &None).await;
    }
    let told = world.start(&route, &Some(7_000)).await;
    let good = world.start(&other, &1).await;
    world.reaches(good, "succeeded").await;
    world
        .until("six failures", async || {
            (world.count("deferred").await == 6).then_some(())
        })
        .await;
    let attempts = "SELECT count(*) FROM workflows.attempts JOIN workflows.lanes USING (lane)
                    WHERE step = 'busy'";
    let attempts: i64 = sqlx::query_scalar(attempts)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(attempts, 6, "one attempt each");
    let due = "SELECT extract(epoch FROM due_at - now())::float8 FROM workflows.deferred
               JOIN workflows.tasks USING (task_id) JOIN workflows.runs USING (run_id) WHERE subject = $1";
    let due: f64 = sqlx::query_scalar(due)
        .bind(told)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert!(
        (6_900.0..=7_000.0).contains(&due),
        "the dependency said 7000 s: {due}"
    );
    engine.stop().await;
}

step!(Poison "poison": u32 => u32, quick(3), |cx, n| {
    if n == 666 {
        // Takes the whole process down, as a decoder's bug would.
        std::process::abort();
    }
    Ok(leaving(cx, "poison", n))
});

pub fn poisonous() -> Workflow<u32> {
    Workflow::named("poison", 1).step::<Poison>().build()
}

pub async fn poisoned_worker(url: &str) {
    let pool = PgPool::connect(url).await.unwrap();
    let route = poisonous();
    let config = EngineConfig {
        sweep: Duration::from_millis(50),
        // A task is buried when its worker has been away for half of it.
        lease: Duration::from_secs(3),
        ..config()
    };
    let never = tokio_util::sync::CancellationToken::new;
    let engine = Engine::new(&pool, config).register(&route);
    engine.run(never(), never()).await.unwrap();
}

#[tokio::test]
async fn a_poison_pill_is_given_up_after_its_crash_limit() {
    let world = World::new().await;
    let route = Workflow::named("poison", 1).step::<Poison>().build();
    let subject = world.start(&route, &666).await;
    let mut crashes = 0;
    loop {
        let mut worker = Process::start("poison", world.url());
        let run = workflows::inspect::latest_run(&world.pool, subject);
        if run.await.unwrap().unwrap().state == workflows::RunState::Dead {
            break;
        }
        // It dies of the pill, or buries it: then it lives on and is killed here.
        if worker.end(Duration::from_secs(6)).await.is_some() {
            crashes += 1;
        }
        assert!(crashes <= 3, "the pill is taken again and again");
    }
    assert_eq!(crashes, 3);
    let letter = world.letter().await;
    assert_eq!(
        (letter.cause.as_str(), letter.crashes, letter.errors),
        ("crashes", 3, 0)
    );
}

step!(Spread "spread": u32 => FanOut<u32, ()>, quick(3), |_cx, n| {
    Ok(Done::new(FanOut { children: (0..n).collect(), carry: () }))
});
step!(Child "child": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, format!("child {n}"), n)));
step!(Gather "gather": Joined<(), u32> => usize, quick(3), |cx, joined| {
    Ok(leaving(cx, "gather", joined.children.len()))
});

#[tokio::test]
async fn a_join_holds_no_slot_and_happens_once_after_5000_children() {
    let world = World::new().await;
    let route = Workflow::named("wide", 1)
        .step::<Spread>()
        .fan_out::<Child>()
        .join::<Gather>()
        .build();
    let one_slot = world.engine_with(&route, slots(1));
    let few = world.start(&route, &3).await;
    world.reaches(few, "succeeded").await;
    one_slot.stop().await;
    let engines = [world.engine(&route), world.engine(&route)];
    let subject = world.start(&route, &5_000).await;
    world.reaches(subject, "succeeded").await;
    assert_eq!(world.result(subject).await, 5_000);
    assert_eq!(world.effects(subject).await.len(), 5_001);
    world.assert_idle().await;
    for engine in engines {
        engine.stop().await;
    }
}

#[tokio::test]
async fn starts_that_commit_together_are_told_once() {
    let world = World::new().await;
    let route = Workflow::named("slow", 1).step::<Slow>().build();
    let starter = route.starter().hinting(&world.hints);
    let mut listener = PgListener::connect_with(&world.pool).await.unwrap();
    listener.listen("workflows_ready").await.unwrap();
    let mut rolled_back = world.pool.begin().await.unwrap();
    let nobody = Uuid::now_v7();
    starter
        .start(&mut rolled_back, nobody, "owner", &0)
        .await
        .unwrap();
    rolled_back.rollback().await.unwrap();
    let mut tx = world.pool.begin().await.unwrap();
    for n in 0..50 {
        starter
            .start(&mut tx, Uuid::now_v7(), "owner", &n)
            .await
            .unwrap();
    }
    // Longer than the first questions whether it is committed.
    tokio::time::sleep(Duration::from_millis(30)).await;
    tx.commit().await.unwrap();
    let first = tokio::time::timeout(Duration::from_secs(5), listener.recv()).await;
    let lane = first.expect("told in time").unwrap().payload().to_owned();
    sqlx::query("NOTIFY workflows_ready, 'end'")
        .execute(&world.pool)
        .await
        .unwrap();
    let mut heard = vec![lane];
    while heard.last().is_none_or(|last| last != "end") {
        heard.push(listener.recv().await.unwrap().payload().to_owned());
    }
    assert_eq!(heard.len(), 2, "one for all fifty: {heard:?}");
}

/// Pages that one claim of 30 touches.
async fn pages_of_a_claim(world: &World) -> u64 {
    let mut connection = world.pool.acquire().await.unwrap();
    for setting in ["seqscan", "bitmapscan", "hashjoin", "mergejoin"] {
        let sql = format!("SET enable_{setting} = off");
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await
            .unwrap();
    }
    let claim = include_str!("../../src/store/claim.sql");
    let sql = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {claim}");
    let mut tx = sqlx::Connection::begin(&mut *connection).await.unwrap();
    let plan: Value = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(vec![1])
        .bind(vec!["default"])
        .bind(vec![0])
        .bind(vec![30])
        .bind(vec![i64::MIN])
        .bind(vec![3])
        .bind(1_i64)
        .bind(30.0)
        .bind(true)
        .bind(Vec::<i32>::new())
        .bind(Vec::<i64>::new())
        .bind(Vec::<i64>::new())
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    let root = &plan[0]["Plan"];
    assert_eq!(root["Actual Rows"], 30);
    root["Shared Hit Blocks"].as_u64().unwrap() + root["Shared Read Blocks"].as_u64().unwrap()
}

#[tokio::test]
async fn a_claim_costs_the_same_however_much_is_waiting() {
    let world = World::new().await;
    let route = Workflow::named("slow", 1).step::<Slow>().build();
    for owner in ["a", "b", "c"] {
        world.start_for(owner, &route.starter(), &1).await;
    }
    let fill = "WITH run AS (
            INSERT INTO workflows.runs (run_id, workflow, version, subject, fairness_key, input)
            SELECT gen_random_uuid(), workflow, version, subject, fairness_key, input
            FROM workflows.runs, generate_series(1, $1)
            WHERE run_id IN (SELECT run_id FROM workflows.runs ORDER BY created_at LIMIT 3)
            RETURNING run_id, fairness_key),
         task AS (
            INSERT INTO workflows.tasks (task_id, run_id, input, lane, key, rank)
            SELECT gen_random_uuid(), run_id, '1', 1, hashtextextended(fairness_key, 0), 1 FROM run
            RETURNING lane, key, rank, task_id)
         INSERT INTO workflows.ready SELECT lane, key, rank, task_id FROM task";
    sqlx::query(fill)
        .bind(300)
        .execute(&world.pool)
        .await
        .unwrap();
    let few = pages_of_a_claim(&world).await;
    sqlx::query(fill)
        .bind(20_000)
        .execute(&world.pool)
        .await
        .unwrap();
    let many = pages_of_a_claim(&world).await;
    // Deeper trees, nothing more.
    assert!(
        many * 2 <= few * 3,
        "{few} pages with 900 waiting, {many} with 60,000"
    );
}
