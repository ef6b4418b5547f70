//! What people do with runs and queues.

use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use workflows::{
    Done, FanOut, Joined, Workflow,
    admin::{AdminError, audit, explain::Answer, queues, runs},
};

use crate::world::{BY, World, leaving, quick, slots, step};

step!(Endless "endless": u32 => u32, quick(3), |cx, n| {
    // What a careless step does: it does not look at `cancelled`.
    tokio::time::sleep(Duration::from_hours(1)).await;
    Ok(leaving(cx, "endless", n))
});
step!(Spread "spread": u32 => FanOut<u32, ()>, quick(3), |_cx, n| {
    Ok(Done::new(FanOut { children: (0..n).collect(), carry: () }))
});
step!(Gather "gather": Joined<(), u32> => usize, quick(3), |cx, joined| {
    Ok(leaving(cx, "gather", joined.children.len()))
});
step!(Quick "quick": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, "quick", n)));

#[tokio::test]
async fn cancel_reaches_running_steps_within_a_second_and_leaves_no_task() {
    let world = World::new().await;
    let route = Workflow::named("endless", 1)
        .step::<Spread>()
        .fan_out::<Endless>()
        .join::<Gather>()
        .build();
    let engine = world.engine(&route);
    // More children than slots: some run, some wait.
    let subject = world.start(&route, &100).await;
    world
        .until("all slots to be taken", async || {
            (world.count("leases").await == 32).then_some(())
        })
        .await;
    let run = world.run_of(subject).await;
    let asked = Instant::now();
    runs::cancel(&world.pool, run, BY).await.unwrap();
    world.assert_idle().await;
    world.reaches(subject, "cancelled").await;
    // The slots are free again when the steps have stopped.
    let next = Workflow::named("endless", 1).step::<Spread>().build();
    let after = world.start(&next, &0).await;
    world.reaches(after, "succeeded").await;
    assert!(
        asked.elapsed() < Duration::from_secs(15),
        "{:?}",
        asked.elapsed()
    );
    assert!(world.effects(subject).await.is_empty());
    let again = runs::cancel(&world.pool, run, BY).await;
    assert!(matches!(again, Err(AdminError::Conflict(_))), "{again:?}");
    engine.stop().await;
}

#[tokio::test]
async fn a_cancelled_step_stops_even_when_the_notification_is_lost() {
    let world = World::new().await;
    let route = Workflow::named("alone", 1).step::<Endless>().build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &1).await;
    world
        .until("a claim", async || {
            (world.count("leases").await == 1).then_some(())
        })
        .await;
    // What a cancel writes, without its notification.
    for sql in [
        "DELETE FROM workflows.leases",
        "DELETE FROM workflows.tasks",
        "UPDATE workflows.runs SET state = 'cancelled', ended_at = now()",
    ] {
        sqlx::query(sql).execute(&world.pool).await.unwrap();
    }
    let stopped = Instant::now();
    // A stop waits for what is under way.
    engine.stop().await;
    assert!(
        stopped.elapsed() < Duration::from_secs(10),
        "the step was not stopped"
    );
    assert!(world.effects(subject).await.is_empty());
}

#[tokio::test]
async fn a_paused_run_goes_on_where_it_was() {
    let world = World::new().await;
    let route = Workflow::named("quick", 1).step::<Quick>().build();
    let subject = world.start(&route, &7).await;
    let run = world.run_of(subject).await;
    runs::pause(&world.pool, run, BY).await.unwrap();
    let engine = world.engine(&route);
    let other = world.start(&route, &8).await;
    world.reaches(other, "succeeded").await;
    let Answer::RunPaused { by, reason, .. } = world.answer(subject).await else {
        panic!("the run is paused")
    };
    assert_eq!((by.as_str(), reason.as_str()), (BY.name, BY.reason));
    assert!(world.effects(subject).await.is_empty());
    runs::resume(&world.pool, run, BY).await.unwrap();
    world.reaches(subject, "succeeded").await;
    let again = runs::resume(&world.pool, run, BY).await;
    assert!(matches!(again, Err(AdminError::Conflict(_))), "{again:?}");
    engine.stop().await;
}

static GATE: Semaphore = Semaphore::const_new(0);
step!(Part "part": u32 => u32, quick(3), |cx, n| {
    let _permit = GATE.acquire().await;
    Ok(leaving(cx, format!("part {n}"), n))
});

#[tokio::test]
async fn a_run_paused_in_a_fan_out_ends_what_it_has_begun_and_joins_when_it_goes_on() {
    let world = World::new().await;
    let route = Workflow::named("held", 1)
        .step::<Spread>()
        .fan_out::<Part>()
        .join::<Gather>()
        .build();
    let subject = world.start(&route, &5).await;
    let run = world.run_of(subject).await;
    let engine = world.engine_with(&route, slots(2));
    world
        .until("two children", async || {
            (world.count("leases").await == 2 && world.count("tasks").await == 5).then_some(())
        })
        .await;
    runs::pause(&world.pool, run, BY).await.unwrap();
    GATE.add_permits(2);
    world
        .until("what was begun to end", async || {
            (world.count("tasks").await == 3).then_some(())
        })
        .await;
    assert_eq!(world.effects(subject).await.len(), 2);
    assert_eq!(
        (world.count("ready").await, world.count("leases").await),
        (0, 0)
    );
    runs::resume(&world.pool, run, BY).await.unwrap();
    world.reaches(subject, "succeeded").await;
    assert_eq!(world.result(subject).await, 5);
    world.assert_idle().await;
    engine.stop().await;
}

#[tokio::test]
async fn a_paused_queue_stays_paused_across_a_deploy() {
    let world = World::new().await;
    let route = Workflow::named("quick", 1).step::<Quick>().build();
    let engine = world.engine(&route);
    let before = world.start(&route, &1).await;
    world.reaches(before, "succeeded").await;
    queues::pause(&world.pool, "default", BY).await.unwrap();
    engine.stop().await;
    let engine = world.engine(&route);
    let subject = world.start(&route, &2).await;
    // The new engine is at work: it does something else meanwhile.
    world
        .until("the new worker", async || {
            let sql = "SELECT count(*) FROM workflows.workers WHERE left_at IS NULL";
            let at_work: i64 = sqlx::query_scalar(sql).fetch_one(&world.pool).await.ok()?;
            (at_work == 1).then_some(())
        })
        .await;
    assert!(matches!(
        world.answer(subject).await,
        Answer::QueuePaused { .. }
    ));
    let listed = queues::list(&world.pool).await.unwrap();
    let queue = listed.iter().find(|q| q.queue == "default").unwrap();
    assert_eq!((queue.ready, queue.paused.is_some()), (1, true));
    queues::resume(&world.pool, "default", BY).await.unwrap();
    world.reaches(subject, "succeeded").await;
    engine.stop().await;
}

#[tokio::test]
async fn every_action_needs_a_reason_and_leaves_a_record() {
    let world = World::new().await;
    let route = Workflow::named("quick", 1).step::<Quick>().build();
    let subject = world.start(&route, &1).await;
    let run = world.run_of(subject).await;
    let silent = workflows::admin::Actor { reason: " ", ..BY };
    let refused = runs::cancel(&world.pool, run, silent).await;
    assert!(matches!(refused, Err(AdminError::NoReason)), "{refused:?}");
    runs::pause(&world.pool, run, BY).await.unwrap();
    runs::cancel(&world.pool, run, BY).await.unwrap();
    let target = run.to_string();
    let entries = audit::list(&world.pool, Some(&target), None, 10)
        .await
        .unwrap();
    let actions: Vec<_> = entries
        .iter()
        .map(|e| (e.action.as_str(), e.actor.as_str()))
        .collect();
    assert_eq!(actions, [("run.cancel", "tester"), ("run.pause", "tester")]);
    assert_eq!(entries[0].reason, BY.reason);
}
