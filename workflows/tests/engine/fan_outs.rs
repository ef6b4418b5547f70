//! Fan-outs and their joins.

use std::time::Duration;

use workflows::{Alternative, EngineConfig, FanOut, Joined, Workflow};

use crate::world::{World, config, leaving, quick, step};

type Children = FanOut<u32, String>;

step!(Spread "spread": u32 => Children, quick(3), |cx, n| {
    let children = (0..n).collect();
    Ok(leaving(cx, "spread", FanOut { children, carry: "kept".to_owned() }))
});
step!(Square "square": u32 => u32, quick(3), |cx, n| {
    // The last child answers first.
    tokio::time::sleep(Duration::from_millis(u64::from(n % 7))).await;
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

/// Squares of odd numbers, in a queue of their own.
struct SquareOdd;

impl workflows::Step for SquareOdd {
    const NAME: &'static str = "square-odd";
    const QUEUE: &'static str = "odd";
    type Context = ();
    type Input = u32;
    type Output = u32;

    async fn run(
        cx: &workflows::Attempt,
        n: u32,
    ) -> Result<workflows::Done<u32>, workflows::StepError> {
        Ok(leaving(cx, format!("odd {n}"), n * n))
    }
}

impl Alternative for SquareOdd {
    fn takes(n: &u32) -> bool {
        n % 2 == 1
    }
}

#[tokio::test]
async fn some_children_are_done_by_another_step_in_another_queue() {
    let world = World::new().await;
    let route = Workflow::named("squares", 1)
        .step::<Spread>()
        .fan_out_or::<Square, SquareOdd>()
        .join::<Collect>()
        .build();
    // This one leaves the odd numbers alone.
    let even = EngineConfig {
        queues: vec![("odd".to_owned(), 0)],
        ..config()
    };
    let engine = world.engine_with(&route, even);
    let subject = world.start(&route, &5).await;
    let waiting = async || {
        let run = workflows::inspect::latest_run(&world.pool, subject).await;
        let steps = run.unwrap().unwrap().steps;
        let done = |name| {
            steps
                .iter()
                .find(|step| step.name == name)
                .map(|step| step.done)
        };
        (done("square") == Some(3) && done("square-odd") == Some(0)).then_some(())
    };
    world
        .within(Duration::from_secs(20), "the even numbers", waiting)
        .await;
    let odd = world.engine(&route);
    world.reaches(subject, "succeeded").await;
    assert_eq!(
        world.result(subject).await,
        serde_json::json!([0, 1, 4, 9, 16])
    );
    let mut effects = world.effects(subject).await;
    effects.sort();
    let expected = [
        "collect", "odd 1", "odd 3", "spread", "square 0", "square 2", "square 4",
    ];
    assert_eq!(effects, expected);
    for engine in [engine, odd] {
        engine.stop().await;
    }
}
