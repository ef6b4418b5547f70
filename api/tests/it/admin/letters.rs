//! Dead letters, one at a time.

use std::sync::atomic::Ordering;

use reqwest::StatusCode;
use serde_json::json;

use super::world::{World, problem};

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_listed_filtered_paged_and_shown() {
    let world = World::new().await;
    let runs = world.dead(&["ann", "bob", "ann"]).await;

    let all = world.letters("").await;
    let listed: Vec<_> = all.iter().map(|letter| letter["run_id"].clone()).collect();
    assert_eq!(json!(listed), json!([runs[2], runs[1], runs[0]]));
    let newest = &all[0];
    assert_eq!(newest["workflow"], "parcel");
    assert_eq!(newest["version"], 3);
    assert_eq!(newest["step"], "deliver");
    assert_eq!(newest["cause"], "failed");
    assert_eq!(newest["message"], "no van for a parcel");
    assert!(newest.get("input").is_none(), "lists carry no payloads");

    let fingerprint = newest["fingerprint"].as_str().unwrap();
    let died = newest["died_at"].as_str().unwrap().replace('+', "%2B");
    for (query, found) in [
        ("?owner=ann".to_owned(), 2),
        ("?owner=eve".to_owned(), 0),
        ("?workflow=parcel&step=deliver".to_owned(), 3),
        ("?step=prepare".to_owned(), 0),
        (format!("?fingerprint={fingerprint}"), 3),
        (format!("?died_before={died}"), 2),
        (format!("?died_since={died}"), 1),
    ] {
        assert_eq!(world.letters(&query).await.len(), found, "{query}");
    }

    let (_, first) = world.get("/dead-letters?limit=2").await;
    let (first, next) = (first["items"].clone(), first["next_cursor"].clone());
    let rest = format!("/dead-letters?limit=2&cursor={}", next.as_str().unwrap());
    let (_, rest) = world.get(&rest).await;
    assert_eq!(
        (first[0].clone(), first[1].clone()),
        (all[0].clone(), all[1].clone())
    );
    assert_eq!(rest, json!({ "items": [all[2]] }));

    let path = format!("/dead-letters/{}", newest["letter_id"].as_str().unwrap());
    let (_, detail) = world.get(&path).await;
    assert_eq!(&detail["letter"], newest);
    assert_eq!(detail["input"], "a parcel");
    assert_eq!(detail["error"]["message"], "no van for a parcel");
    let attempts = detail["attempts"].as_array().unwrap();
    assert_eq!(attempts.last().unwrap()["step"], "deliver");
    assert_eq!(attempts.last().unwrap()["outcome"], "error");
    // Too large for a number in JavaScript.
    let token = attempts.last().unwrap()["token"].as_str().unwrap();
    assert!(token.parse::<i64>().unwrap() > 1 << 53, "{token}");
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_summed_up() {
    let world = World::new().await;
    world.dead(&["ann", "bob", "ann"]).await;
    let newest = &world.letters("").await[0];
    let (status, summary) = world.get("/dead-letters/summary").await;
    assert_eq!(status, StatusCode::OK, "{summary}");
    let kinds = summary["items"].as_array().unwrap();
    assert_eq!(kinds.len(), 1, "{summary}");
    assert_eq!(kinds[0]["letters"], 3);
    assert_eq!(kinds[0]["fingerprint"], "deliver: no van for a parcel");
    assert_eq!(kinds[0]["root_cause"], "no van for a parcel");
    assert_eq!(kinds[0]["example"], newest["letter_id"]);
    assert_eq!(kinds[0]["last_at"], newest["died_at"]);
    let (_, summary) = world.get("/dead-letters/summary?owner=bob").await;
    assert_eq!(summary["items"][0]["letters"], 1);
    let (_, summary) = world.get("/dead-letters/summary?step=prepare").await;
    assert_eq!(summary, json!({ "items": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_redriven_once() {
    let world = World::new().await;
    let runs = world.dead(&["ann"]).await;
    let letter = &world.letters("").await[0]["letter_id"];
    let redrive = format!("/dead-letters/{}/redrive", letter.as_str().unwrap());
    world.broken.store(false, Ordering::SeqCst);

    let (status, detail) = world.act(&redrive).await;
    assert_eq!(status, StatusCode::OK, "{detail}");
    assert_eq!(detail["letter"]["resolution"], "redriven");
    assert_eq!(detail["letter"]["reason"], "a test");
    let actor = detail["letter"]["resolved_by"].as_str().unwrap();
    assert!(
        actor.starts_with("key ") && actor.ends_with(" of operators"),
        "{actor}"
    );

    assert_eq!(problem(&world.act(&redrive).await), (409, "conflict"));
    world.reaches(runs[0], "succeeded").await;
    assert_eq!(problem(&world.act(&redrive).await), (409, "conflict"));
    assert_eq!(world.worked(), (1, 1), "from the step that died, once");
    assert!(world.letters("").await.is_empty());
    assert_eq!(world.letters("?resolved=true").await.len(), 1);

    let audit = format!("/audit?target={}", letter.as_str().unwrap());
    let (_, audit) = world.get(&audit).await;
    let entries = audit["items"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{audit}");
    assert_eq!(entries[0]["action"], "dead_letter.redrive");
    assert_eq!(entries[0]["actor"], actor);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_redriven_from_an_earlier_step() {
    let world = World::new().await;
    let runs = world.dead(&["ann"]).await;
    let letter = &world.letters("").await[0]["letter_id"];
    let redrive = format!("/dead-letters/{}/redrive", letter.as_str().unwrap());
    world.broken.store(false, Ordering::SeqCst);

    let from = |step: &str| json!({ "reason": "a test", "from_step": step });
    let never = world.post(&redrive, &from("nowhere")).await;
    assert_eq!(problem(&never), (409, "conflict"));
    assert_eq!(world.letters("").await.len(), 1, "nothing was changed");

    let (status, detail) = world.post(&redrive, &from("prepare")).await;
    assert_eq!(status, StatusCode::OK, "{detail}");
    world.reaches(runs[0], "succeeded").await;
    assert_eq!(world.worked(), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discarded_letter_ends_its_run() {
    let world = World::new().await;
    let runs = world.dead(&["ann"]).await;
    let letter = &world.letters("").await[0]["letter_id"];
    let discard = format!("/dead-letters/{}/discard", letter.as_str().unwrap());
    let (status, detail) = world.act(&discard).await;
    assert_eq!(status, StatusCode::OK, "{detail}");
    assert_eq!(detail["letter"]["resolution"], "discarded");
    let explained = world.explain(runs[0]).await;
    assert_eq!(explained["answer"]["code"], "ended");
    assert_eq!(explained["answer"]["state"], "cancelled");
    assert_eq!(problem(&world.act(&discard).await), (409, "conflict"));
}
