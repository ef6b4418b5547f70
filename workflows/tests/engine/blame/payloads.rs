//! Payloads that cannot be read, and those that have to come through unchanged.

use std::time::Duration;

use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;
use workflows::{
    Done, FanOut, Joined, PayloadError, StartError, Workflow,
    admin::{
        Paging,
        dead_letters::{self, LetterFilter},
        runs::{self, RunFilter},
    },
};

use crate::world::{BY, World, quick, step};

step!(Echo "echo": Value => Value, quick(3), |_cx, value| Ok(Done::new(value)));

fn echo() -> Workflow<Value> {
    Workflow::named("echo", 1).step::<Echo>().build()
}

fn nested(levels: usize) -> Value {
    (1..levels).fold(json!([]), |inner, _| json!([inner]))
}

#[tokio::test]
async fn an_input_that_could_not_be_read_back_is_refused_at_the_start() {
    let world = World::new().await;
    let mut tx = world.pool.begin().await.unwrap();
    let subject = Uuid::now_v7();
    let started = echo()
        .starter()
        .start(&mut tx, subject, "owner", &nested(130))
        .await;
    assert!(
        matches!(started, Err(StartError::Input(PayloadError::TooDeep))),
        "{started:?}"
    );
    tx.commit().await.unwrap();
    assert_eq!(world.count("runs").await, 0);
}

/// As an older build, or somebody with a client, may have left it.
async fn there_is_already(input: &str) {
    let world = World::new().await;
    let mut subjects = Vec::new();
    for n in 0..8 {
        let owner = format!("owner {n}");
        subjects.push(world.start_for(&owner, &echo().starter(), &json!(n)).await);
    }
    for sql in [
        "UPDATE workflows.runs SET input = $2::text::json WHERE subject = $1",
        "UPDATE workflows.tasks t SET input = $2::text::json
         FROM workflows.runs r WHERE r.run_id = t.run_id AND subject = $1",
    ] {
        let update = sqlx::query(sql).bind(subjects[3]).bind(input);
        update.execute(&world.pool).await.unwrap();
    }
    let engine = world.engine(&echo());
    world.reaches(subjects[3], "dead").await;
    world.succeed("echo", 7, Duration::from_secs(5)).await;
    let attempts = world.outcomes().await;
    assert_eq!(attempts, [("done".to_owned(), 7), ("error".to_owned(), 1)]);
    // Nobody is kept from seeing it, or the others.
    let letter = world.letter().await;
    assert_eq!(letter.cause, workflows::Cause::Failed);
    let whole = dead_letters::show(&world.pool, letter.letter_id)
        .await
        .unwrap();
    assert_eq!(whole.input.as_str(), input);
    let page = runs::list(&world.pool, &RunFilter::default(), Paging::default()).await;
    assert_eq!(page.unwrap().items.len(), 8);
    world.answer(subjects[3]).await;
    dead_letters::redrive(&world.pool, letter.letter_id, None, BY)
        .await
        .unwrap();
    let again = async || {
        let filter = LetterFilter::default();
        let all = dead_letters::list(&world.pool, &filter, true, Paging::default()).await;
        (all.unwrap().items.len() == 2).then_some(())
    };
    world
        .within(Duration::from_secs(20), "it to die again", again)
        .await;
    engine.stop().await;
}

#[tokio::test]
async fn one_that_nests_too_deeply_is_dead_alone() {
    there_is_already(&nested(130).to_string()).await;
}

#[tokio::test]
async fn one_that_nests_a_thousand_levels_is_dead_alone() {
    let levels = 1_000;
    there_is_already(&format!("{}{}", "[".repeat(levels), "]".repeat(levels))).await;
}

#[tokio::test]
async fn one_with_a_number_that_is_none_is_dead_alone() {
    there_is_already("[1e999999]").await;
}

#[tokio::test]
async fn one_with_half_a_character_is_dead_alone() {
    there_is_already(r#"["\ud800"]"#).await;
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Floats(Vec<f64>);

step!(First "first": Floats => Floats, quick(1), |_cx, floats| Ok(Done::new(floats)));
step!(Second "second": Floats => Floats, quick(1), |_cx, floats| Ok(Done::new(floats)));
step!(Third "third": Floats => FanOut<f64, Floats>, quick(1), |_cx, floats| {
    Ok(Done::new(FanOut { children: floats.0.clone(), carry: floats }))
});
step!(Child "child": f64 => f64, quick(1), |_cx, float| Ok(Done::new(float)));
step!(Gather "gather": Joined<Floats, f64> => Vec<u64>, quick(1), |_cx, joined| {
    let bits = |floats: Vec<f64>| -> Vec<u64> { floats.into_iter().map(f64::to_bits).collect() };
    let (carried, children) = (bits(joined.carry.0), bits(joined.children));
    assert_eq!(carried, children, "both ways");
    Ok(Done::new(children))
});

#[tokio::test]
async fn numbers_come_through_three_steps_and_a_join_to_the_last_bit() {
    let world = World::new().await;
    let route = Workflow::named("floats", 1)
        .step::<First>()
        .step::<Second>()
        .step::<Third>();
    let route = route.fan_out::<Child>().join::<Gather>().build();
    let mut floats = vec![
        -0.0,
        f64::MIN_POSITIVE,
        5e-324,
        -4.2e-310,
        f64::MAX,
        14_417.055_129_823_275,
    ];
    let mut rng = rand::rng();
    while floats.len() < 1_000 {
        let float = f64::from_bits(rng.random());
        if float.is_finite() {
            floats.push(float);
        }
    }
    let engine = world.engine(&route);
    let subject = world.start(&route, &Floats(floats.clone())).await;
    world.reaches(subject, "succeeded").await;
    let bits: Vec<u64> = serde_json::from_value(world.result(subject).await).unwrap();
    let expected: Vec<u64> = floats.into_iter().map(f64::to_bits).collect();
    assert_eq!(bits, expected);
    engine.stop().await;
}
