//! Many dead letters at once.

use std::sync::atomic::Ordering;

use reqwest::StatusCode;
use serde_json::json;

use super::world::{World, problem};

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_counts_and_a_redrive_keeps_to_its_filter_and_cap() {
    let world = World::new().await;
    let runs = world.dead(&["ann", "ann", "bob", "ann"]).await;
    let filter = json!({ "workflow": "parcel", "owner": "ann" });

    let dry = json!({ "filter": filter, "dry_run": true });
    let counted = world.post("/redrives", &dry).await;
    assert_eq!(counted, (StatusCode::OK, json!({ "matched": 3 })));
    assert_eq!(world.letters("").await.len(), 4, "nothing was changed");

    world.broken.store(false, Ordering::SeqCst);
    let order = json!({ "filter": filter, "per_second": 100, "cap": 2, "reason": "vans are back" });
    let (status, redrive) = world.post("/redrives", &order).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{redrive}");
    assert_eq!(redrive["matched"], 3);
    assert_eq!(redrive["filter"], filter);
    let path = format!("/redrives/{}", redrive["redrive_id"].as_str().unwrap());
    world
        .until("the re-drive to end", async || {
            world.get(&path).await.1["ended_at"].is_string()
        })
        .await;
    assert_eq!(world.get(&path).await.1["redriven"], 2);
    // The oldest go first.
    world.reaches(runs[0], "succeeded").await;
    world.reaches(runs[1], "succeeded").await;
    let left: Vec<_> = world.letters("").await;
    let left: Vec<_> = left.iter().map(|letter| letter["run_id"].clone()).collect();
    assert_eq!(json!(left), json!([runs[3], runs[2]]));
    assert_eq!(world.worked().1, 2);

    let stop = world.act(&format!("{path}/stop")).await;
    assert_eq!(problem(&stop), (409, "conflict"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_runs_start_again_from_an_earlier_step() {
    let world = World::new().await;
    let runs = world.dead(&["ann", "bob"]).await;
    world.broken.store(false, Ordering::SeqCst);
    let order = json!({
        "filter": {}, "from_step": "prepare", "per_second": 100, "reason": "vans are back",
    });
    let (status, redrive) = world.post("/redrives", &order).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{redrive}");
    assert_eq!(redrive["from_step"], "prepare");
    for run in runs {
        world.reaches(run, "succeeded").await;
    }
    assert_eq!(world.worked(), (4, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_letters_are_discarded() {
    let world = World::new().await;
    let runs = world.dead(&["ann", "ann", "bob"]).await;
    let dry = json!({ "filter": { "owner": "ann" }, "dry_run": true });
    let counted = world.post("/dead-letters/discard", &dry).await;
    let expected = json!({ "runs": 0, "left": 2 });
    assert_eq!(counted, (StatusCode::OK, expected), "nothing was changed");
    let order = json!({ "filter": { "owner": "ann" }, "limit": 1, "reason": "a test" });
    for left in [1, 0] {
        let done = world.post("/dead-letters/discard", &order).await;
        let expected = json!({ "runs": 1, "left": left });
        assert_eq!(done, (StatusCode::OK, expected));
    }
    for (run, state) in [
        (runs[0], "cancelled"),
        (runs[1], "cancelled"),
        (runs[2], "dead"),
    ] {
        assert_eq!(world.explain(run).await["run"]["state"], state);
    }
    for body in [json!({ "filter": {} }), json!({ "reason": "a test" })] {
        let answer = world.post("/dead-letters/discard", &body).await;
        assert_eq!(problem(&answer), (422, "invalid_field"), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_is_stopped_where_it_is() {
    let world = World::new().await;
    world.dead(&["ann", "bob"]).await;
    let order = json!({ "filter": {}, "per_second": 0.01, "reason": "slowly" });
    let (_, redrive) = world.post("/redrives", &order).await;
    let (_, going_on) = world.get("/redrives?going_on=true").await;
    assert_eq!(going_on, json!({ "items": [redrive] }));
    let path = format!("/redrives/{}", redrive["redrive_id"].as_str().unwrap());
    let (status, stopped) = world.act(&format!("{path}/stop")).await;
    assert_eq!(status, StatusCode::OK, "{stopped}");
    assert!(
        stopped["ended_at"].is_string() && stopped["redriven"] == 0,
        "{stopped}"
    );
    let (_, going_on) = world.get("/redrives?going_on=true").await;
    assert_eq!(going_on, json!({ "items": [] }));
    let (_, all) = world.get("/redrives").await;
    assert_eq!(all, json!({ "items": [stopped] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_needs_a_filter_a_reason_and_a_pace() {
    let world = World::without_workers().await;
    for body in [
        json!({ "reason": "a test" }),
        json!({ "filter": {} }),
        json!({ "filter": { "color": "red" }, "reason": "a test" }),
        json!({ "filter": {}, "reason": "a test", "per_second": 0 }),
        json!({ "filter": {}, "reason": "a test", "cap": 0 }),
    ] {
        let answer = world.post("/redrives", &body).await;
        assert_eq!(problem(&answer), (422, "invalid_field"), "{body}");
    }
    assert_eq!(world.get("/audit").await.1, json!({ "items": [] }));
}
