//! Who is at work is asked of the locks, not of the rows.

use workflows::{
    Workflow,
    admin::{
        explain::{Answer, Lack},
        queues, runs, workers,
    },
};

use crate::world::{BY, World, leaving, quick, slots, step};

step!(Long "long": u32 => u32, quick(3), |cx, n| {
    cx.cancelled.cancelled().await;
    Ok(leaving(cx, "long", n))
});
step!(Short "short": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, "short", n)));

#[tokio::test]
async fn a_dead_worker_neither_runs_nor_knows_anything() {
    let world = World::new().await;
    let route = Workflow::named("long", 1).step::<Long>().build();
    let engine = world.engine_with(&route, slots(1));
    let taken = world.start(&route, &1).await;
    world
        .until("a claim", async || {
            matches!(world.answer(taken).await, Answer::Running { .. }).then_some(())
        })
        .await;
    let waiting = world.start(&route, &2).await;
    let listed = workers::list(&world.pool).await.unwrap();
    assert_eq!(
        (listed.len(), listed[0].alive, listed[0].tasks),
        (1, true, 1)
    );
    assert!(listed[0].queues.contains(&("default".to_owned(), 1)));

    drop(engine);
    world
        .until("the lock to go", async || {
            let listed = workers::list(&world.pool).await.ok()?;
            (!listed[0].alive).then_some(())
        })
        .await;
    let listed = workers::list(&world.pool).await.unwrap();
    assert_eq!((listed.len(), listed[0].tasks), (1, 1), "it has not left");
    let Answer::WorkerLost {
        step,
        gone,
        seen_at,
        taken_soon,
        ..
    } = world.answer(taken).await
    else {
        panic!("its worker is gone")
    };
    assert_eq!((step.as_str(), gone, taken_soon), ("long", true, false));
    assert!(seen_at.is_some());
    let Answer::NoWorker { lack, .. } = world.answer(waiting).await else {
        panic!("nobody is there")
    };
    assert_eq!(lack, Lack::Workers);
    let queue = &queues::list(&world.pool).await.unwrap()[0];
    assert_eq!((queue.ready, queue.slots), (1, 0));
}

#[tokio::test]
async fn it_is_said_what_the_workers_lack() {
    let world = World::new().await;
    let (long, short) = (
        Workflow::named("long", 1).step::<Long>().build(),
        Workflow::named("short", 1).step::<Short>().build(),
    );
    let engine = world.engine_with(&short, slots(1));
    let unknown = world.start(&long, &1).await;
    let done = world.start(&short, &1).await;
    world.reaches(done, "succeeded").await;
    let Answer::NoWorker { lack, .. } = world.answer(unknown).await else {
        panic!("nobody knows it")
    };
    assert_eq!(lack, Lack::Step);

    // The same worker shows that it has the step, and no slot for it, in another queue.
    let knows = |slots: u32| {
        let steps = format!(r#"{{"step":"long","queue":"vans","slots":{slots}}}"#);
        format!(r#"[{{"workflow":"long","version":1,"steps":[{steps}]}}]"#)
    };
    let show = "UPDATE workflows.workers SET capabilities = $1::jsonb";
    let shown = sqlx::query(show).bind(knows(0)).execute(&world.pool);
    shown.await.unwrap();
    let Answer::NoWorker { lack, queue, .. } = world.answer(unknown).await else {
        panic!("nobody has a slot")
    };
    assert_eq!((lack, queue.as_str()), (Lack::Slots, "vans"));
    let shown = sqlx::query(show).bind(knows(3)).execute(&world.pool);
    shown.await.unwrap();
    let Answer::WaitingForSlot { queue, .. } = world.answer(unknown).await else {
        panic!("it waits for a slot")
    };
    assert_eq!(queue, "vans", "where the live worker has it");
    let listed = queues::list(&world.pool).await.unwrap();
    let vans = listed.iter().find(|queue| queue.queue == "vans").unwrap();
    assert_eq!((vans.ready, vans.slots), (1, 3));
    queues::pause(&world.pool, "vans", BY).await.unwrap();
    let paused = world.answer(unknown).await;
    assert!(matches!(paused, Answer::QueuePaused { .. }), "{paused:?}");
    engine.stop().await;
}

#[tokio::test]
async fn a_suspect_says_so_and_is_held_and_cancelled_like_others() {
    let world = World::new().await;
    let route = Workflow::named("long", 1).step::<Long>().build();
    let engine = world.engine_with(&route, slots(1));
    let running = world.start(&route, &1).await;
    world
        .until("the only slot to be taken", async || {
            (world.count("leases").await == 1).then_some(())
        })
        .await;
    let subjects = [world.start(&route, &2).await, world.start(&route, &3).await];
    for sql in [
        "INSERT INTO workflows.suspects (lane, rank, task_id, suspicion)
         SELECT lane, rank, task_id, 1 FROM workflows.ready",
        "UPDATE workflows.tasks SET suspicion = 1 WHERE task_id IN (SELECT task_id FROM workflows.ready)",
        "DELETE FROM workflows.ready",
    ] {
        sqlx::query(sql).execute(&world.pool).await.unwrap();
    }
    let Answer::Suspect { step, ahead, .. } = world.answer(subjects[1]).await else {
        panic!("it is a suspect")
    };
    assert_eq!((step.as_str(), ahead), ("long", 1));
    let queue = &queues::list(&world.pool).await.unwrap()[0];
    assert_eq!((queue.ready, queue.suspects), (2, 2));

    let run = world.run_of(subjects[0]).await;
    runs::pause(&world.pool, run, BY).await.unwrap();
    assert_eq!(world.count("suspects").await, 1);
    for subject in [subjects[0], subjects[1], running] {
        let run = world.run_of(subject).await;
        runs::cancel(&world.pool, run, BY).await.unwrap();
    }
    world.assert_idle().await;
    engine.stop().await;
}
