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
async fn a_redrive_is_stopped_where_it_is() {
    let world = World::new().await;
    world.dead(&["ann", "bob"]).await;
    let order = json!({ "filter": {}, "per_second": 0.01, "reason": "slowly" });
    let (_, redrive) = world.post("/redrives", &order).await;
    let path = format!("/redrives/{}", redrive["redrive_id"].as_str().unwrap());
    let (status, stopped) = world.act(&format!("{path}/stop")).await;
    assert_eq!(status, StatusCode::OK, "{stopped}");
    assert!(
        stopped["ended_at"].is_string() && stopped["redriven"] == 0,
        "{stopped}"
    );
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
    assert_eq!(world.get("/audit").await.1, json!({ "entries": [] }));
}
