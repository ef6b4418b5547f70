//! What an owner may have, over several processes.

use std::time::Duration;

use futures::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};

use crate::{process::Process, stack::Stack};

async fn initiate(api: &Process, key: &str) -> (u16, Value) {
    let body = json!({ "filename": "a", "size_bytes": 100 });
    let request = Client::new().post(format!("{}/v1/uploads", api.ready));
    let answer = request.bearer_auth(key).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Everybody asks at once, of two processes, for more than there is.
async fn rush(apis: [&Process; 2], key: &str) -> Vec<Value> {
    let all = (0..40).map(|n| initiate(apis[n % 2], key));
    let mut opened = Vec::new();
    for (status, answer) in join_all(all).await {
        match status {
            201 => opened.push(answer),
            403 => assert_eq!(answer["code"], "quota_exceeded"),
            status => panic!("{status}: {answer}"),
        }
    }
    opened
}

#[tokio::test]
async fn a_quota_holds_over_processes_to_the_last_place() {
    let stack = Stack::new().await;
    let settings = [("MEDIAMILL_MAX_OWNER_BYTES", "1000")];
    let (one, two) = (
        stack.api_with(&settings).await,
        stack.api_with(&settings).await,
    );
    let opened = rush([&one, &two], &stack.key).await;
    assert_eq!(opened.len(), 10);
    // What is given up makes room for as many, whoever is told.
    let aborts = opened.iter().take(4).map(|upload| {
        let url = format!(
            "{}/v1/uploads/{}",
            two.ready,
            upload["upload_id"].as_str().unwrap()
        );
        Client::new().delete(url).bearer_auth(&stack.key).send()
    });
    for aborted in join_all(aborts).await {
        assert_eq!(aborted.unwrap().status().as_u16(), 204);
    }
    assert_eq!(rush([&one, &two], &stack.key).await.len(), 4);
    // So does what is not finished in time, when it is over.
    sqlx::query("UPDATE uploads SET expires_at = now() WHERE aborted_at IS NULL")
        .execute(&stack.pool)
        .await
        .unwrap();
    let _worker = stack.worker().await;
    // Upkeep comes round every minute.
    let none = "SELECT bytes = 0 AND files = 0 FROM owners WHERE owner_id = 'tester'";
    stack.until_within(Duration::from_mins(2), none).await;
    assert_eq!(rush([&one, &two], &stack.key).await.len(), 10);
    let listed = stack.run("owners list --json").await;
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["items"][0]["bytes"], 1000, "{listed}");
    let set = stack
        .run("owners quota tester --max-bytes 1200 --reason grown")
        .await;
    assert!(set.status.success(), "{set:?}");
    assert_eq!(rush([&one, &two], &stack.key).await.len(), 2);
}
