//! What waits where is counted once for all who ask.

use std::time::Duration;

use workflows::{
    Workflow,
    admin::{Depth, depths, runs},
};

use crate::{
    planted::Planted,
    world::{BY, World, leaving, quick, step},
};

step!(Quick "quick": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, "quick", n)));

#[tokio::test]
async fn everything_is_counted_where_it_is_and_only_once_for_all() {
    let world = World::new().await;
    let minute = Duration::from_mins(1);
    let first = depths(&world.pool, minute).await.unwrap();
    assert!(first.steps.is_empty() && first.age < minute);
    let route = Workflow::named("quick", 1).step::<Quick>().build();
    let mut subjects = Vec::new();
    for n in 0..5 {
        subjects.push(world.start(&route, &n).await);
    }
    Planted::of("quick", "quick").plant(&world, 2).await;
    let held = world.run_of(subjects[0]).await;
    runs::pause(&world.pool, held, BY).await.unwrap();
    for sql in [
        "WITH one AS (DELETE FROM workflows.ready WHERE rank = (SELECT max(rank) FROM workflows.ready) RETURNING *)
         INSERT INTO workflows.suspects SELECT lane, rank, task_id, 1 FROM one",
        "WITH one AS (DELETE FROM workflows.ready WHERE rank = (SELECT max(rank) FROM workflows.ready) RETURNING *)
         INSERT INTO workflows.deferred SELECT now() + interval '1 hour', task_id FROM one",
    ] {
        sqlx::query(sql).execute(&world.pool).await.unwrap();
    }
    let stored = depths(&world.pool, minute).await.unwrap();
    assert_eq!(stored.counted_at, first.counted_at, "not old enough");
    assert_eq!(stored.steps, []);

    // Many at once: one counts, and the others take what is there.
    let asking = (0..8).map(|_| depths(&world.pool, Duration::from_millis(1)));
    let counted = futures::future::join_all(asking).await;
    assert!(counted.iter().all(Result::is_ok), "{counted:?}");
    let counted = depths(&world.pool, minute).await.unwrap();
    let [depth] = counted.steps.as_slice() else {
        panic!("one step: {counted:?}")
    };
    let oldest = depth.oldest_ready_seconds;
    assert!(oldest.is_some_and(|age| (0.0..60.0).contains(&age)));
    let expected = Depth {
        queue: "default".into(),
        workflow: "quick".into(),
        step: "quick".into(),
        ready: 2,
        suspects: 1,
        deferred: 1,
        running: 0,
        held: 1,
        dead: 2,
        oldest_ready_seconds: oldest,
    };
    assert_eq!(*depth, expected);
}
