//! Runs and queues: what they wait for, and holding them.

use std::sync::atomic::Ordering;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::world::{World, problem};

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_listed_by_pages_and_filtered() {
    let world = World::without_workers().await;
    let mut runs = Vec::new();
    for owner in ["ann", "bob", "ann"] {
        runs.push(world.start(owner).await);
    }
    let ids = |page: &Value| -> Vec<Value> {
        let runs = page["items"].as_array().unwrap().iter();
        runs.map(|run| run["run_id"].clone()).collect()
    };
    let (status, all) = world.get("/runs").await;
    assert_eq!(status, StatusCode::OK, "{all}");
    assert_eq!(json!(ids(&all)), json!([runs[2], runs[1], runs[0]]));
    assert!(all.get("next_cursor").is_none());
    let subject = all["items"][1]["subject"].as_str().unwrap();
    for (query, found) in [
        ("?owner=ann&workflow=parcel", 2),
        ("?state=running", 3),
        ("?state=dead", 0),
        ("?workflow=letter", 0),
        (&format!("?subject={subject}"), 1),
    ] {
        let (_, page) = world.get(&format!("/runs{query}")).await;
        assert_eq!(ids(&page).len(), found, "{query}");
    }
    let (_, first) = world.get("/runs?limit=2").await;
    let next = first["next_cursor"].as_str().unwrap();
    let (_, rest) = world.get(&format!("/runs?limit=2&cursor={next}")).await;
    assert_eq!(
        json!([ids(&first), ids(&rest)]),
        json!([[runs[2], runs[1]], [runs[0]]])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_explained_paused_resumed_and_cancelled() {
    let world = World::without_workers().await;
    let run_id = world.start("ann").await;
    let explained = world.explain(run_id).await;
    assert_eq!(
        explained["answer"],
        json!({
            "code": "no_worker", "workflow": "parcel", "version": 3, "step": "prepare",
            "lack": "workers", "queue": "default",
        })
    );
    assert_eq!(explained["tasks"][0]["answer"], explained["answer"]);
    assert_eq!(explained["timeline"], json!([]));

    let (status, run) = world.act(&format!("/runs/{run_id}/pause")).await;
    assert_eq!(status, StatusCode::OK, "{run}");
    assert_eq!(run["paused"]["reason"], "a test");
    let again = world.act(&format!("/runs/{run_id}/pause")).await;
    assert_eq!(problem(&again), (409, "conflict"));
    let answer = &world.explain(run_id).await["answer"];
    assert_eq!(
        (&answer["code"], &answer["reason"]),
        (&json!("run_paused"), &json!("a test"))
    );

    let (status, run) = world.act(&format!("/runs/{run_id}/resume")).await;
    assert_eq!((status, run.get("paused")), (StatusCode::OK, None));
    let again = world.act(&format!("/runs/{run_id}/resume")).await;
    assert_eq!(problem(&again), (409, "conflict"));

    let (status, run) = world.act(&format!("/runs/{run_id}/cancel")).await;
    assert_eq!(
        (status, &run["state"]),
        (StatusCode::OK, &json!("cancelled"))
    );
    assert_eq!(run["result"]["steps"], json!(["prepare"]));
    for verb in ["cancel", "pause", "resume"] {
        let late = world.act(&format!("/runs/{run_id}/{verb}")).await;
        assert_eq!(problem(&late), (409, "conflict"), "{verb}");
    }

    let (_, page) = world.get("/audit?limit=2").await;
    let (_, rest) = world
        .get(&format!(
            "/audit?cursor={}",
            page["next_cursor"].as_str().unwrap()
        ))
        .await;
    let actions = [&page["items"][0], &page["items"][1], &rest["items"][0]];
    let actions = actions.map(|entry| entry["action"].as_str().unwrap());
    assert_eq!(actions, ["run.cancel", "run.resume", "run.pause"]);
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_over_starts_again() {
    let world = World::new().await;
    world.broken.store(false, Ordering::SeqCst);
    let run_id = world.start("ann").await;
    world.reaches(run_id, "succeeded").await;
    let restart = format!("/runs/{run_id}/restart");
    let from = |step: &str| json!({ "reason": "a test", "from_step": step });
    let never = world.post(&restart, &from("nowhere")).await;
    assert_eq!(problem(&never), (409, "conflict"));
    let (status, run) = world.post(&restart, &from("deliver")).await;
    assert_eq!(status, StatusCode::OK, "{run}");
    world
        .until("the delivery", async || world.worked() == (1, 2))
        .await;
    world.reaches(run_id, "succeeded").await;
    let (status, run) = world.act(&restart).await;
    assert_eq!(status, StatusCode::OK, "{run}");
    world
        .until("all of it", async || world.worked() == (2, 3))
        .await;
    let (_, audit) = world.get(&format!("/audit?target={run_id}")).await;
    assert_eq!(audit["items"][0]["action"], "run.restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_are_listed() {
    let world = World::new().await;
    world
        .until("the worker", async || {
            let (_, list) = world.get("/workers").await;
            list["items"][0]["alive"] == true
        })
        .await;
    let (_, list) = world.get("/workers").await;
    let worker = &list["items"][0];
    assert_eq!(worker["tasks"], 0);
    let vans = json!({ "queue": "vans", "slots": 1 });
    assert!(worker["queues"].as_array().unwrap().contains(&vans));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_run_names_its_letter() {
    let world = World::new().await;
    let runs = world.dead(&["ann"]).await;
    let letter = &world.letters("").await[0]["letter_id"];
    let explained = world.explain(runs[0]).await;
    let answer = json!({
        "code": "dead", "letter_id": letter, "letters": 1, "step": "deliver",
        "error": "no van for a parcel",
    });
    assert_eq!(explained["answer"], answer);
    let timeline = explained["timeline"].as_array().unwrap();
    let steps = timeline
        .iter()
        .map(|attempt| (&attempt["step"], &attempt["outcome"]));
    let expected = [("prepare", "done"), ("deliver", "error")];
    let expected = expected.map(|(step, outcome)| (json!(step), json!(outcome)));
    assert!(
        steps.eq(expected.iter().map(|(step, outcome)| (step, outcome))),
        "{explained}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_queue_holds_its_steps_until_it_is_resumed() {
    let world = World::new().await;
    world.broken.store(false, Ordering::SeqCst);
    let first = world.start("ann").await;
    world.reaches(first, "succeeded").await;

    assert_eq!(
        world.act("/queues/vans/pause").await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        problem(&world.act("/queues/vans/pause").await),
        (409, "conflict")
    );
    let second = world.start("ann").await;
    world
        .until("the queue to hold it", async || {
            world.explain(second).await["answer"]["code"] == "queue_paused"
        })
        .await;
    let (_, list) = world.get("/queues").await;
    let queues = list["items"].as_array().unwrap();
    let vans = queues
        .iter()
        .find(|queue| queue["queue"] == "vans")
        .unwrap();
    assert_eq!(
        (&vans["ready"], &vans["workflows"]),
        (&json!(1), &json!(["parcel v3"]))
    );
    assert_eq!(vans["paused"]["reason"], "a test");

    assert_eq!(
        world.act("/queues/vans/resume").await.0,
        StatusCode::NO_CONTENT
    );
    world.reaches(second, "succeeded").await;
    assert_eq!(
        problem(&world.act("/queues/vans/resume").await),
        (409, "conflict")
    );
    assert_eq!(world.worked(), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_limited_and_says_so_to_whoever_is_held() {
    let world = World::without_workers().await;
    world.start("ann").await;
    let limit = json!({ "limit": { "concurrency": 2, "per_second": 0.5 }, "reason": "the scanner is slow" });
    let (status, answer) = world.post("/queues/default/limit", &limit).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{answer}");
    let (_, limits) = world.get("/limits").await;
    assert_eq!(limits["items"][0]["queue"], "default");
    assert_eq!(limits["items"][0]["limit"], limit["limit"]);
    assert_eq!(limits["items"][0]["running"], 0);
    assert_eq!(limits["items"][0]["reason"], "the scanner is slow");
    let nothing = json!({ "limit": {}, "reason": "no reason" });
    let refused = world.post("/queues/default/limit", &nothing).await;
    assert_eq!(problem(&refused), (409, "conflict"));
    let (status, _) = world.act("/queues/default/unlimit").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (_, limits) = world.get("/limits").await;
    assert_eq!(limits["items"], json!([]));
}
