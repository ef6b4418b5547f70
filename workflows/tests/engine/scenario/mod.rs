//! A scenario that walks through every transaction of the engine, as worker and as operator. It is
//! played in a process to which something happens on the way, and then played on in another. What is
//! there at the end must be what would be there without.

mod operator;
mod routes;

use std::{sync::atomic::Ordering, time::Duration};

use sqlx::postgres::PgPoolOptions;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use workflows::{
    Engine, EngineConfig,
    failpoints::{self, Failpoint, Side},
};

use crate::world::{World, config};
use operator::{operate, until, until_pruned};
use routes::{DOOMED, routes};

pub use routes::other;

/// One for each scenario that is played: Postgres has only so many connections.
pub static STAGES: Semaphore = Semaphore::const_new(8);

/// A moment of a transaction.
pub type Point = (Failpoint, Side);

pub fn points() -> impl Iterator<Item = Point> {
    Failpoint::ALL
        .into_iter()
        .flat_map(|kind| [(kind, Side::Before), (kind, Side::After)])
}

fn name((transaction, moment): Point) -> String {
    format!("{moment:?}-{transaction}")
}

/// The role of a process that plays the scenario to its end.
pub fn role(lease: Duration) -> String {
    format!("scenario {}", lease.as_secs())
}

/// The role of a process to which something happens at a point.
pub fn role_until(lease: Duration, what: &str, point: Point) -> String {
    format!("{} {what} {}", role(lease), name(point))
}

/// What is there before: runs, a task that a lost worker holds, a paused queue, due schedules, and
/// a run that is old enough to go.
pub async fn prepare(world: &World) {
    for (route, _) in routes(&world.pool).iter().take(10) {
        world.start(route, &3).await;
    }
    for sql in [
        "WITH task AS (
            SELECT t.task_id, t.run_id FROM workflows.tasks t JOIN workflows.runs r USING (run_id)
            WHERE r.workflow = 'lost'),
         claimed AS (DELETE FROM workflows.ready r USING task WHERE r.task_id = task.task_id),
         worker AS (INSERT INTO workflows.workers (name, build) VALUES ('lost', '0') RETURNING worker_id)
         INSERT INTO workflows.leases (task_id, run_id, token, worker_id, crash_limit, expires_at)
         SELECT task_id, run_id, 1, worker_id, 3, now() + interval '1 hour' FROM task, worker",
        "INSERT INTO workflows.queues (queue, paused_by, reason) VALUES ('gated', 'test', 'test')",
        "INSERT INTO workflows.limits (queue, concurrency, set_by, reason) VALUES ('gated', 1, 'test', 'test')",
        "INSERT INTO workflows.schedules (name, next_at)
         VALUES ('clock', now()), ('workflows.upkeep', now())",
        "INSERT INTO workflows.runs
            (run_id, workflow, version, subject, fairness_key, state, input, created_at, ended_at)
         VALUES ('00000000-0000-7000-8000-000000000000', 'old', 1, gen_random_uuid(), 'owner', 'succeeded',
                 '1', '2001-01-01', '2001-01-01')",
    ] {
        sqlx::query(sql).execute(&world.pool).await.unwrap();
    }
}

/// Plays the scenario from wherever it stands. The words are those of the role: a lease, and perhaps
/// what happens to this process, and where.
pub async fn play(url: &str, words: &str) {
    let mut words = words.split(' ');
    let lease = words.next().and_then(|seconds| seconds.parse().ok());
    let doom = words.next().map(crate::process::happening);
    let point = words
        .next()
        .and_then(|word| points().find(|point| name(*point) == word));
    if let (Some(doom), Some((transaction, moment))) = (doom, point) {
        DOOMED.store(true, Ordering::SeqCst);
        failpoints::arm_with(transaction, moment, doom);
    }
    let pool = PgPoolOptions::new().max_connections(3);
    let pool = pool.connect(url).await.unwrap();
    let config = EngineConfig {
        lease: Duration::from_secs(lease.expect("a lease")),
        sweep: Duration::from_millis(40),
        retention: Some(Duration::from_hours(1)),
        ..config()
    };
    let mut engine = Engine::new(&pool, config).register(&other());
    for (route, _) in routes(&pool) {
        engine = engine.register(&route);
        if route.name() == "clock" {
            engine = engine.schedule("clock", Duration::from_hours(1), &route.starter(), 1);
        }
    }
    let (stop, hasten) = (CancellationToken::new(), CancellationToken::new());
    let running = tokio::spawn(engine.run(stop.clone(), hasten.clone()));
    operate(&pool).await;
    if point.is_none() {
        until(&pool, "held", &["succeeded"]).await;
    } else {
        until(&pool, "held", &["running", "succeeded"]).await;
    }
    until_pruned(&pool).await;
    until(&pool, "workflows.upkeep", &["succeeded"]).await;
    hasten.cancel();
    stop.cancel();
    running.await.unwrap().unwrap();
}

/// What is there is what would be there if nothing had happened.
pub async fn assert_as_without(world: &World, point: Point) {
    world.assert_idle().await;
    let expected = "asked, begin, child 0, child 1, child 2, four, gated, gather, hold, mended, mortal, \
                    mortal, one, spread, three, tick, tick, tick, tick, two";
    let effects: Vec<String> = sqlx::query_scalar("SELECT what FROM effects ORDER BY what")
        .fetch_all(&world.pool)
        .await
        .unwrap();
    assert_eq!(effects.join(", "), expected, "{point:?}: each effect once");
    for (route, end) in routes(&world.pool) {
        let states = "SELECT state FROM workflows.runs WHERE workflow = $1";
        let states: Vec<String> = sqlx::query_scalar(states)
            .bind(route.name())
            .fetch_all(&world.pool)
            .await
            .unwrap();
        assert_eq!(states, [end], "{point:?}: {}", route.name());
    }
    let open = "SELECT count(*) FROM workflows.dead_letters WHERE resolved_at IS NULL";
    let open: i64 = sqlx::query_scalar(open)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(open, 0, "{point:?}: open letters");
}
