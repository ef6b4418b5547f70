//! Fan-outs and their joins.

use workflows::{FanOut, Joined, Workflow};

use crate::world::{World, leaving, quick, step};

type Children = FanOut<u32, String>;

step!(Spread "spread": u32 => Children, quick(3), |cx, n| {
    let children = (0..n).collect();
    Ok(leaving(cx, "spread", FanOut { children, carry: "kept".to_owned() }))
});
step!(Square "square": u32 => u32, quick(3), |cx, n| {
    // The last child answers first.
    tokio::time::sleep(std::time::Duration::from_millis(u64::from(n % 7))).await;
    Ok(leaving(cx, format!("square {n}"), n * n))
});
step!(Collect "collect": Joined<String, u32> => Vec<u32>, quick(3), |cx, joined| {
    assert_eq!(joined.carry, "kept");
    Ok(leaving(cx, "collect", joined.children))
});

fn squares() -> Workflow<u32> {
    Workflow::named("squares", 1)
        .step::<Spread>()
        .fan_out::<Square>()
        .join::<Collect>()
        .build()
}

#[tokio::test]
async fn the_join_runs_once_with_every_childs_output_in_order() {
    let world = World::new().await;
    let route = squares();
    let engines = [world.engine(&route), world.engine(&route)];
    for children in [0_u32, 1, 2, 300] {
        let subject = world.start(&route, &children).await;
        world.reaches(subject, "succeeded").await;
        let expected: Vec<u32> = (0..children).map(|n| n * n).collect();
        assert_eq!(world.result(subject).await, serde_json::json!(expected));
        let effects = world.effects(subject).await;
        assert_eq!(effects.len(), children as usize + 2, "{effects:?}");
    }
    world.assert_idle().await;
    for engine in engines {
        engine.stop().await;
    }
}

#[tokio::test]
async fn a_summary_counts_the_children_of_a_step() {
    let world = World::new().await;
    let route = squares();
    let engine = world.engine(&route);
    let subject = world.start(&route, &5).await;
    world.reaches(subject, "succeeded").await;
    let run = workflows::inspect::latest_run(&world.pool, subject)
        .await
        .unwrap()
        .unwrap();
    let steps: Vec<_> = run
        .steps
        .iter()
        .map(|s| (s.name.as_str(), s.state.as_str(), s.done, s.total))
        .collect();
    let expected = [
        ("spread", "done", 1, 1),
        ("square", "done", 5, 5),
        ("collect", "done", 1, 1),
    ];
    assert_eq!(steps, expected);
    engine.stop().await;
}
