//! Many dead letters: reading them, and giving them up.

use std::sync::atomic::{AtomicU32, Ordering};

use uuid::Uuid;
use workflows::{
    NextOnError, Workflow,
    admin::{
        Paging,
        dead_letters::{
            self, Discarded, Kind, LetterFilter, discard_many, discard_many_in, show, summary,
        },
        redrive, runs,
    },
};

use crate::{
    planted::{Planted, run_of},
    world::{BY, World, quick, step},
};

/// Every letter that matches, in one list.
fn all() -> (LetterFilter, Paging) {
    let paging = Paging {
        after: None,
        limit: 500,
    };
    (LetterFilter::default(), paging)
}

#[tokio::test]
async fn a_list_carries_no_payloads_and_none_hides_the_others() {
    let world = World::new().await;
    let planted = Planted::of("planted", "hope");
    let letters = planted.plant(&world, 3).await;
    // Deeper than a JSON parser goes, and longer than anybody reads.
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let long = format!(r#"{{"message":"{}","chain":[]}}"#, "ä".repeat(100_000));
    let set =
        "UPDATE workflows.dead_letters SET input = $2::json, error = $3::json WHERE letter_id = $1";
    for (letter, input, error) in [(letters[0], &deep, &deep), (letters[1], &deep, &long)] {
        let set = sqlx::query(set).bind(letter).bind(input).bind(error);
        set.execute(&world.pool).await.unwrap();
    }
    let (filter, paging) = all();
    let page = dead_letters::list(&world.pool, &filter, false, paging).await;
    let listed = page.unwrap().items;
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[0].message, "outer");
    assert_eq!(listed[0].root_cause.as_deref(), Some("inner"));
    assert_eq!(listed[1].message.chars().count(), 501);
    assert_eq!(listed[2].message, deep);
    let whole = show(&world.pool, letters[0].into()).await.unwrap();
    assert_eq!(whole.input.as_str(), deep);
    assert_eq!(whole.error.as_str(), deep);
    let kinds = summary(&world.pool, &filter).await.unwrap();
    assert_eq!(kinds.len(), 1);
    let run = run_of(&world, letters[0]).await;
    let explained = workflows::admin::explain::explain(&world.pool, run).await;
    assert!(explained.is_ok(), "{explained:?}");
}

step!(Broken "broken": u32 => u32, quick(1), |_cx, n| {
    if n.is_multiple_of(3) {
        return Err(format!("no object {}", Uuid::now_v7())).or_fail();
    }
    // Other ids, the same kind; and another kind.
    let tried = TRIED.fetch_add(1, Ordering::SeqCst);
    Err(format!("worker {tried} is lost")).or_fail()
});
static TRIED: AtomicU32 = AtomicU32::new(0);

#[tokio::test]
async fn letters_are_summed_up_by_kind() {
    let world = World::new().await;
    let route = Workflow::named("kinds", 1).step::<Broken>().build();
    let engine = world.engine(&route);
    for n in 0..12 {
        let owner = if n % 2 == 0 { "even" } else { "odd" };
        world.start_for(owner, &route.starter(), &n).await;
    }
    world
        .until("all to die", async || {
            let count = redrive::count(&world.pool, &LetterFilter::default()).await;
            (count.ok()? == 12).then_some(())
        })
        .await;
    let kinds = summary(&world.pool, &LetterFilter::default())
        .await
        .unwrap();
    let told: Vec<_> = kinds
        .iter()
        .map(|kind| (kind.letters, kind.fingerprint.as_str()))
        .collect();
    assert_eq!(
        told,
        [(8, "broken: worker # is lost"), (4, "broken: no object #")]
    );
    let Kind {
        workflow,
        step,
        cause,
        first_at,
        last_at,
        example,
        root_cause,
        ..
    } = &kinds[1];
    assert_eq!(
        (workflow.as_str(), step.as_str(), cause.as_str()),
        ("kinds", "broken", "failed")
    );
    assert!(first_at <= last_at && root_cause.starts_with("no object "));
    let example = show(&world.pool, *example).await.unwrap();
    assert_eq!(example.letter.died_at, *last_at);
    let odd = LetterFilter {
        fairness_key: Some("odd".into()),
        ..LetterFilter::default()
    };
    let odd = summary(&world.pool, &odd).await.unwrap();
    assert_eq!(odd.iter().map(|kind| kind.letters).sum::<i64>(), 6);
    engine.stop().await;
}

#[tokio::test]
async fn many_letters_are_discarded_in_rounds_past_what_others_have_locked() {
    let world = World::new().await;
    let ours = Planted::of("planted", "hope");
    let letters = ours.plant(&world, 12).await;
    let theirs = Planted {
        owner: "theirs",
        ..Planted::of("planted", "hope")
    };
    theirs.plant(&world, 3).await;
    let filter = LetterFilter {
        fairness_key: Some("owner".into()),
        ..LetterFilter::default()
    };
    let locked = run_of(&world, letters[1]).await;
    let mut other = world.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM workflows.runs WHERE run_id = $1 FOR UPDATE")
        .bind(locked)
        .execute(&mut *other)
        .await
        .unwrap();

    // Part of the caller's transaction, which is rolled back.
    let mut tx = world.pool.begin().await.unwrap();
    let (would, _) = discard_many_in(&mut tx, &filter, 5, BY).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(would, Discarded { runs: 4, left: 8 });
    let first = discard_many(&world.pool, &filter, 5, BY).await.unwrap();
    assert_eq!(first, would);
    let second = discard_many(&world.pool, &filter, 500, BY).await.unwrap();
    assert_eq!(second, Discarded { runs: 7, left: 1 });
    other.rollback().await.unwrap();
    let third = discard_many(&world.pool, &filter, 500, BY).await.unwrap();
    assert_eq!(third, Discarded { runs: 1, left: 0 });
    let fourth = discard_many(&world.pool, &filter, 500, BY).await.unwrap();
    assert_eq!(fourth, Discarded { runs: 0, left: 0 });

    let run = runs::get(&world.pool, locked.into()).await.unwrap();
    assert_eq!(run.state, workflows::RunState::Cancelled);
    let result = run.result.unwrap().to_value();
    assert_eq!(result["steps"], serde_json::json!(["hope"]));
    let letter = show(&world.pool, letters[1].into()).await.unwrap().letter;
    assert_eq!(letter.resolution, Some(workflows::Resolution::Discarded));
    let left = redrive::count(&world.pool, &LetterFilter::default()).await;
    assert_eq!(left.unwrap(), 3, "of another owner");
}
