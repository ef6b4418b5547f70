//! Runs by the clock, and the end of old ones.

use std::time::Duration;

use workflows::{Engine, EngineConfig, Workflow};

use crate::world::{World, config, leaving, quick, step};

step!(Tick "tick": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, "tick", n)));

async fn ticks(world: &World) -> i64 {
    let sql = "SELECT count(*) FROM workflows.runs WHERE workflow = 'clock'";
    sqlx::query_scalar(sql)
        .fetch_one(&world.pool)
        .await
        .unwrap()
}

async fn make_due(world: &World, ago: &str) {
    let sql = "UPDATE workflows.schedules SET next_at = now() - $1::interval WHERE name = 'clock'";
    sqlx::query(sql)
        .bind(ago)
        .execute(&world.pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_tick_is_fired_by_one_worker_and_missed_ones_make_one_run() {
    let world = World::new().await;
    let route = Workflow::named("clock", 1).step::<Tick>().build();
    let every = Duration::from_mins(10);
    let engine = || {
        let engine = Engine::new(&world.pool, config()).register(&route);
        World::run(engine.schedule("clock", every, &route.starter(), 1))
    };
    let engines = [engine(), engine(), engine()];
    world
        .until("the schedule", async || {
            let sql = "SELECT count(*) FROM workflows.schedules WHERE name = 'clock'";
            let entered: i64 = sqlx::query_scalar(sql).fetch_one(&world.pool).await.ok()?;
            (entered == 1).then_some(())
        })
        .await;
    assert_eq!(ticks(&world).await, 0, "the first tick is an interval away");
    // Nobody was there for five and a half intervals.
    make_due(&world, "55 minutes").await;
    world
        .until("a run", async || (ticks(&world).await > 0).then_some(()))
        .await;
    // Each engine has looked again, twice at least.
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(ticks(&world).await, 1);
    let sql = "SELECT extract(epoch FROM next_at - now())::float8 FROM workflows.schedules WHERE name = 'clock'";
    let wait: f64 = sqlx::query_scalar(sql)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert!(
        (290.0..=300.0).contains(&wait),
        "the rhythm is kept: next in {wait} s"
    );
    for engine in engines {
        engine.stop().await;
    }
}

#[tokio::test]
async fn what_ended_long_ago_is_removed_but_never_an_open_letter() {
    let world = World::new().await;
    let route = Workflow::named("clock", 1).step::<Mortal>().build();
    let config = EngineConfig {
        retention: Some(Duration::from_hours(24)),
        ..config()
    };
    let engine = world.engine_with(&route, config);
    let mut subjects = Vec::new();
    for n in 0..4 {
        subjects.push(world.start(&route, &n).await);
    }
    for subject in &subjects[..3] {
        world.reaches(*subject, "succeeded").await;
    }
    world.reaches(subjects[3], "dead").await;
    // All but the first are from the day before yesterday: the ids tell the time of the start.
    let age = "DO $$ DECLARE old uuid; r record; BEGIN
        FOR r IN SELECT run_id FROM workflows.runs WHERE workflow = 'clock' ORDER BY run_id OFFSET 1 LOOP
            old := ('00' || substr(r.run_id::text, 3))::uuid;
            UPDATE workflows.attempts SET run_id = old WHERE run_id = r.run_id;
            UPDATE workflows.dead_letters SET run_id = old WHERE run_id = r.run_id;
            UPDATE workflows.runs SET run_id = old, ended_at = ended_at - interval '2 days' WHERE run_id = r.run_id;
        END LOOP; END $$";
    sqlx::query(age).execute(&world.pool).await.unwrap();
    let due = "UPDATE workflows.schedules SET next_at = now()";
    sqlx::query(due).execute(&world.pool).await.unwrap();
    world
        .until("old runs to be gone", async || {
            (ticks(&world).await == 2).then_some(())
        })
        .await;
    let left = "SELECT state FROM workflows.runs WHERE workflow = 'clock' ORDER BY state";
    let left: Vec<String> = sqlx::query_scalar(left)
        .fetch_all(&world.pool)
        .await
        .unwrap();
    assert_eq!(left, ["dead", "succeeded"]);
    let history = "SELECT count(DISTINCT run_id) FROM workflows.attempts a
                   WHERE NOT EXISTS (SELECT FROM workflows.runs r WHERE r.run_id = a.run_id)";
    let orphans: i64 = sqlx::query_scalar(history)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(orphans, 0, "history goes with its run");
    engine.stop().await;
}

step!(Mortal "mortal": u32 => u32, quick(1), |cx, n| {
    if n == 3 {
        return Err(workflows::StepError::Fail { source: "the third dies".into() });
    }
    Ok(leaving(cx, "mortal", n))
});
