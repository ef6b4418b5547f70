//! What is refused.

use serde_json::json;
use uuid::Uuid;

use super::world::{World, problem};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_without_a_reason_is_refused() {
    let world = World::without_workers().await;
    let run_id = world.start("ann").await;
    let nobody = Uuid::now_v7();
    for path in [
        format!("/runs/{nobody}/cancel"),
        format!("/runs/{nobody}/restart"),
        format!("/dead-letters/{nobody}/redrive"),
        format!("/dead-letters/{nobody}/discard"),
        format!("/redrives/{nobody}/stop"),
        "/queues/nowhere/pause".to_owned(),
        "/queues/nowhere/resume".to_owned(),
    ] {
        assert_eq!(
            problem(&world.act(&path).await),
            (404, "not_found"),
            "{path}"
        );
    }
    for path in ["/runs", "/dead-letters", "/redrives"] {
        let answer = world.get(&format!("{path}/{nobody}")).await;
        assert_eq!(problem(&answer), (404, "not_found"), "{path}");
    }
    for body in [
        json!({}),
        json!({ "reason": "" }),
        json!({ "reason": "  " }),
        json!({ "reason": "\u{a0}" }),
        json!({ "reason": "a\0b" }),
    ] {
        for path in [
            format!("/runs/{run_id}/cancel"),
            "/queues/default/pause".into(),
        ] {
            let answer = world.post(&path, &body).await;
            assert_eq!(problem(&answer), (422, "invalid_field"), "{path} {body}");
        }
    }
    assert_eq!(world.explain(run_id).await["run"]["state"], "running");
    assert_eq!(world.get("/audit").await.1, json!({ "items": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_contract_does_not_have_is_refused() {
    let world = World::without_workers().await;
    for path in [
        "/runs?state=lost",
        "/runs?limit=501",
        "/runs?owner=%00",
        "/runs?after=1",
        "/runs?cursor=abc",
        "/audit?cursor=-1-",
        "/dead-letters?died_since=-262143-01-01T00:00:00Z",
        "/queues?limit=1",
    ] {
        assert_eq!(
            problem(&world.get(path).await),
            (400, "invalid_parameter"),
            "{path}"
        );
    }
    let filter = json!({ "died_since": "-262143-01-01T00:00:00Z" });
    let order = json!({ "filter": filter, "dry_run": true });
    let answer = world.post("/redrives", &order).await;
    assert_eq!(problem(&answer), (422, "invalid_field"));
    assert_eq!(
        answer.1["errors"][0]["pointer"], "/filter/died_since",
        "{}",
        answer.1
    );
}
