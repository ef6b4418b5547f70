//! Deploys: what another build left in the database.

use workflows::{
    FanOut, Joined, Workflow,
    admin::{
        check::{Build, Problem, Severity, problems},
        explain::Answer,
    },
};

use crate::world::{World, leaving, quick, step};

step!(A "a": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, "a", n)));
step!(Old "old": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, "old", n)));
step!(New "new": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, "new", n)));
step!(C "c": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, "c", n)));

/// What would be stuck with a build that has this workflow.
async fn stuck<I>(world: &World, workflow: &Workflow<I>) -> Vec<Problem> {
    let build = Build::default().with(workflow);
    let mut problems = problems(&world.pool, &build).await.unwrap();
    problems.retain(|problem| problem.severity() == Severity::Stuck);
    problems
}

/// A run that stands before step `old`.
async fn run_at_old(world: &World) -> uuid::Uuid {
    let begun = Workflow::named("deployed", 1).step::<Old>().build();
    world.start(&begun, &1).await
}

#[tokio::test]
async fn a_run_at_a_step_this_build_does_not_have_is_left_alone_and_listed() {
    let world = World::new().await;
    let stranded = run_at_old(&world).await;
    let route = Workflow::named("deployed", 1)
        .step::<A>()
        .step::<New>()
        .build();
    let found = stuck(&world, &route).await;
    let [Problem::UnknownStep { spot, work }] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((spot.step.as_str(), work.tasks), ("old", 1));
    assert_eq!(work.runs, [world.run_of(stranded).await]);

    let engine = world.engine(&route);
    let other = world.start(&route, &2).await;
    world.reaches(other, "succeeded").await;
    assert!(matches!(
        world.answer(stranded).await,
        Answer::NoWorker { .. }
    ));
    assert_eq!(world.count("ready").await, 1, "it waits, untouched");
    engine.stop().await;

    // The next deploy has it again.
    let mended = Workflow::named("deployed", 1)
        .step::<A>()
        .step::<Old>()
        .step::<New>()
        .build();
    assert_eq!(stuck(&world, &mended).await, []);
    let engine = world.engine(&mended);
    world.reaches(stranded, "succeeded").await;
    engine.stop().await;
}

#[tokio::test]
async fn a_step_inserted_by_a_deploy_does_not_re_route_runs_in_flight() {
    let world = World::new().await;
    let before = Workflow::named("inserted", 1).step::<C>().build();
    let subject = world.start(&before, &1).await;
    // By position the run would now be at `a`; by name it is at `c`.
    let after = Workflow::named("inserted", 1)
        .step::<A>()
        .step::<New>()
        .step::<C>()
        .build();
    let engine = world.engine(&after);
    world.reaches(subject, "succeeded").await;
    assert_eq!(world.effects(subject).await, ["c"]);
    engine.stop().await;
}

#[tokio::test]
async fn builds_of_two_versions_each_take_their_own_runs() {
    let world = World::new().await;
    let one = Workflow::named("versioned", 1).step::<Old>().build();
    let two = Workflow::named("versioned", 2).step::<New>().build();
    let (first, second) = (world.start(&one, &1).await, world.start(&two, &1).await);
    let new_build = world.engine(&two);
    world.reaches(second, "succeeded").await;
    assert!(matches!(
        world.answer(first).await,
        Answer::NoWorker { version: 1, .. }
    ));
    let found = stuck(&world, &two).await;
    assert_eq!((found.len(), found[0].spot().version), (1, 1));
    let old_build = world.engine(&one);
    world.reaches(first, "succeeded").await;
    assert_eq!(world.effects(first).await, ["old"]);
    for engine in [new_build, old_build] {
        engine.stop().await;
    }
}

step!(Spread "spread": u32 => FanOut<u32, ()>, quick(3), |_cx, n| {
    Ok(workflows::Done::new(FanOut { children: (0..n).collect(), carry: () }))
});
step!(Child "child": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, format!("child {n}"), n)));
step!(Gone "gone": Joined<(), u32> => u32, quick(3), |cx, _j| Ok(leaving(cx, "gone", 0)));

#[tokio::test]
async fn the_check_sees_the_join_that_a_fan_out_will_need() {
    let world = World::new().await;
    let route = Workflow::named("joined", 1)
        .step::<Spread>()
        .fan_out::<Child>()
        .join::<Gone>()
        .build();
    let engine = world.engine(&route);
    let done = world.start(&route, &1).await;
    world.reaches(done, "succeeded").await;
    engine.stop().await;
    let fan_out = "INSERT INTO workflows.fan_outs
            (fan_out_id, run_id, total, remaining, bytes, carry, partial, join_lane)
        SELECT gen_random_uuid(), run_id, 1, 1, 0, '{}', false, lane
        FROM workflows.runs JOIN workflows.lanes USING (workflow) WHERE step = 'gone'";
    sqlx::query(fan_out).execute(&world.pool).await.unwrap();
    assert_eq!(stuck(&world, &route).await, []);
    let other = Workflow::named("joined", 1).step::<Spread>().build();
    let found = stuck(&world, &other).await;
    assert!(found.iter().any(|p| p.spot().step == "gone"), "{found:?}");
}

step!(Named "old": String => u32, quick(3), |cx, _n| Ok(leaving(cx, "named", 1)));

#[tokio::test]
async fn the_check_reads_what_was_written_for_a_step_that_now_takes_something_else() {
    let world = World::new().await;
    let before = Workflow::named("deployed", 1).step::<Old>().build();
    // At work it said which shape it writes.
    let engine = world.engine(&before);
    let done = world.start(&before, &1).await;
    world.reaches(done, "succeeded").await;
    engine.stop().await;
    run_at_old(&world).await;
    assert_eq!(stuck(&world, &before).await, []);
    let after = Workflow::named("deployed", 1).step::<Named>().build();
    let build = Build::default().with(&after);
    let found = problems(&world.pool, &build).await.unwrap();
    let codes: Vec<_> = found.iter().map(|p| (p.severity(), p.code())).collect();
    assert!(
        codes.contains(&(Severity::Stuck, "undecodable")),
        "{found:?}"
    );
    assert!(
        codes.contains(&(Severity::Warning, "input_changed")),
        "{found:?}"
    );
    assert!(
        codes.contains(&(Severity::Warning, "nobody_serves")),
        "{found:?}"
    );
}
