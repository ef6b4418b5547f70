//! Tasks at steps that a build does not have cost it nothing, and wait for one that has them.

use std::time::{Duration, Instant};

use workflows::{Done, Workflow};

use crate::world::{World, quick, step};

const STRANGERS: i64 = 20_000;

step!(Known "known": u32 => u32, quick(1), |_cx, n| Ok(Done::new(n)));
step!(Unknown "unknown": u32 => u32, quick(1), |_cx, n| Ok(Done::new(n)));

/// The newer build's runs begin at another step of the same version.
fn newer() -> Workflow<u32> {
    Workflow::named("mixed", 1)
        .step::<Unknown>()
        .step::<Known>()
        .build()
}

fn older() -> Workflow<u32> {
    Workflow::named("mixed", 1).step::<Known>().build()
}

/// Copies of the one run there is, as many owners as there are.
async fn fill(world: &World, owners: i64) {
    let sql = "WITH run AS (
            INSERT INTO workflows.runs (run_id, workflow, version, subject, fairness_key, input)
            SELECT gen_random_uuid(), workflow, version, gen_random_uuid(), 'owner ' || n % $2, input
            FROM workflows.runs, generate_series(1, $1) n RETURNING run_id, fairness_key),
         task AS (
            INSERT INTO workflows.tasks (task_id, run_id, input, lane, key, rank)
            SELECT gen_random_uuid(), run_id, '1', lane, hashtextextended(fairness_key, 0), 1
            FROM run, workflows.lanes WHERE step = 'unknown'
            RETURNING lane, key, rank, task_id)
         INSERT INTO workflows.ready SELECT lane, key, rank, task_id FROM task";
    let fill = sqlx::query(sql).bind(STRANGERS).bind(owners);
    fill.execute(&world.pool).await.unwrap();
}

async fn a_new_owner_is_served(world: &World, owner: &str) {
    let began = Instant::now();
    let subject = world.start_for(owner, &older().starter(), &1).await;
    let done = async || (world.state_of(subject).await == "succeeded").then_some(());
    world
        .within(Duration::from_secs(20), "a new owner's run", done)
        .await;
    eprintln!(
        "a new owner's run beside {STRANGERS} strangers: {:?}",
        began.elapsed()
    );
}

async fn beside_strangers_of(owners: i64) {
    let world = World::new().await;
    world.start(&newer(), &1).await;
    fill(&world, owners).await;
    let engine = world.engine(&older());
    for owner in ["warm", "new", "newer"] {
        a_new_owner_is_served(&world, owner).await;
    }
    assert_eq!(world.count("ready").await, STRANGERS + 1, "they wait");
    // The next deploy has the step.
    let next = world.engine(&newer());
    world.succeed("mixed", 1_000, Duration::from_secs(20)).await;
    a_new_owner_is_served(&world, "newest").await;
    engine.stop().await;
    next.stop().await;
}

#[tokio::test]
async fn twenty_thousand_tasks_at_an_unknown_step_slow_nobody_down() {
    beside_strangers_of(1).await;
}

#[tokio::test]
async fn nor_do_those_of_many_owners() {
    beside_strangers_of(5_000).await;
}
