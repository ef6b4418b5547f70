//! Processes and services that go away in the middle.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::{fixtures::large_photo, process::Process, stack::Stack};

const READY: &str = "SELECT count(*) = 1 FROM media_files WHERE status = 'READY'";

pub async fn call(api: &Process, key: &str, method: Method, path: &str, body: &Value) -> Value {
    let request = Client::new().request(method, format!("{}{path}", api.ready));
    let request = request.bearer_auth(key);
    let request = if body.is_null() {
        request
    } else {
        request.json(body)
    };
    let response = request.send().await.unwrap();
    let status = response.status();
    let body = response.json().await.unwrap_or_default();
    assert!(status.is_success(), "{path}: {status} {body}");
    body
}

/// Starts an upload in parts and sends those of `numbers`.
pub async fn initiate(stack: &Stack, api: &Process, photo: &[u8]) -> Value {
    let body = json!({
        "filename": "large.jpg", "content_type": "image/jpeg", "size_bytes": photo.len(),
    });
    call(api, &stack.key, Method::POST, "/v1/uploads", &body).await
}

pub async fn put(part: &Value, photo: &[u8]) {
    let number = usize::try_from(part["part_number"].as_u64().unwrap()).unwrap();
    let size = usize::try_from(part["size_bytes"].as_u64().unwrap()).unwrap();
    let start = (number - 1) * (8 << 20);
    let body = photo[start..start + size].to_vec();
    let response = Client::new()
        .put(part["url"].as_str().unwrap())
        .body(body)
        .send()
        .await;
    assert_eq!(response.unwrap().status(), 200);
}

pub async fn complete(stack: &Stack, api: &Process, upload: &Value) {
    let path = format!(
        "/v1/uploads/{}/complete",
        upload["upload_id"].as_str().unwrap()
    );
    call(api, &stack.key, Method::POST, &path, &Value::Null).await;
}

async fn upload_whole(stack: &Stack, api: &Process, photo: &[u8]) {
    let upload = initiate(stack, api, photo).await;
    for part in upload["upload"]["parts"].as_array().unwrap() {
        put(part, photo).await;
    }
    complete(stack, api, &upload).await;
}

/// READY, with one variant of each width, each from one attempt.
async fn assert_one_set(stack: &Stack) {
    let paths: Vec<String> = sqlx::query_scalar("SELECT storage_path FROM media_variants")
        .fetch_all(&stack.pool)
        .await
        .unwrap();
    assert_eq!(paths.len(), 5, "{paths:?}");
    for path in paths {
        let key = storage::ObjectKey::new(path).unwrap();
        let there = stack
            .store
            .head(storage::Bucket::Origin, &key)
            .await
            .unwrap();
        assert!(there.is_some(), "{key}");
    }
}

#[tokio::test]
async fn a_worker_killed_while_rendering_costs_nothing_but_time() {
    let stack = Stack::new().await;
    let (api, worker) = (stack.api().await, stack.worker().await);
    upload_whole(&stack, &api, &large_photo(3000, 2600)).await;
    let rendering =
        "SELECT EXISTS (SELECT FROM workflows.leases JOIN workflows.tasks USING (task_id)
                       JOIN workflows.lanes USING (lane) WHERE step = 'render')";
    stack.until(rendering).await;
    worker.kill_9().await;
    let _second = stack.worker().await;
    stack.until(READY).await;
    assert_one_set(&stack).await;
    let crashed = "SELECT count(*) FROM workflows.attempts WHERE outcome IN ('crashed', 'lost')";
    let crashed: i64 = sqlx::query_scalar(crashed)
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    assert!(crashed >= 1, "the kill came in the middle");
}

#[tokio::test]
async fn an_upload_goes_on_after_the_api_was_restarted() {
    let stack = Stack::new().await;
    let (first, _worker) = (stack.api().await, stack.worker().await);
    let photo = large_photo(3000, 2600);
    let upload = initiate(&stack, &first, &photo).await;
    put(&upload["upload"]["parts"][1], &photo).await;
    first.kill_9().await;

    let second = stack.api().await;
    let base = format!("/v1/uploads/{}", upload["upload_id"].as_str().unwrap());
    let listed = call(
        &second,
        &stack.key,
        Method::GET,
        &format!("{base}/parts"),
        &Value::Null,
    )
    .await;
    let arrived: Vec<_> = listed["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["part_number"])
        .collect();
    assert_eq!(arrived, [&json!(2)]);
    let missing = json!({ "part_numbers": [1, 3] });
    let signed = call(
        &second,
        &stack.key,
        Method::POST,
        &format!("{base}/urls"),
        &missing,
    )
    .await;
    for part in signed["parts"].as_array().unwrap() {
        put(part, &photo).await;
    }
    complete(&stack, &second, &upload).await;
    stack.until(READY).await;
    assert_one_set(&stack).await;
}

#[tokio::test]
async fn ten_seconds_without_storage_are_waited_out() {
    let mut stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    stack.hold_queue("light").await;
    upload_whole(&stack, &api, &large_photo(3000, 2600)).await;
    stack.stop_s3().await;
    let on = stack.run("queues resume light --reason outage").await;
    assert!(on.status.success());
    let failed = "SELECT EXISTS (SELECT FROM workflows.attempts WHERE outcome = 'unavailable')";
    // The outage is as long as it is: this sleep is the fault, not a wait for something.
    tokio::join!(
        stack.until(failed),
        tokio::time::sleep(Duration::from_secs(10))
    );
    stack.start_s3().await;
    stack.until_within(Duration::from_mins(2), READY).await;
    assert_one_set(&stack).await;
    let charged =
        "SELECT count(*) FROM workflows.attempts WHERE outcome NOT IN ('done', 'unavailable')";
    let charged: i64 = sqlx::query_scalar(charged)
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    assert_eq!(charged, 0, "the store's outage is nobody's error");
}

#[tokio::test]
async fn a_scratch_disk_that_takes_nothing_is_nobodys_fault() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let scratch = stack.folder.path().join("scratch");
    let away = stack.folder.path().join("away");
    std::fs::rename(&scratch, &away).unwrap();
    upload_whole(&stack, &api, &large_photo(3000, 2600)).await;
    let failed = "SELECT count(*) >= 4 FROM workflows.attempts WHERE outcome = 'unavailable'";
    stack.until(failed).await;
    std::fs::rename(&away, &scratch).unwrap();
    stack.until_within(Duration::from_mins(2), READY).await;
    let charged =
        "SELECT count(*) FROM workflows.attempts WHERE outcome NOT IN ('done', 'unavailable')";
    let charged: i64 = sqlx::query_scalar(charged)
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    assert_eq!(charged, 0, "{}", stack.logs());
}

#[tokio::test]
async fn work_goes_on_after_postgres_was_restarted() {
    let (stack, mut postgres) = Stack::with_own_postgres().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let photo = large_photo(3000, 2600);
    upload_whole(&stack, &api, &photo).await;
    postgres.stop_immediate().await;
    postgres.restart().await.unwrap();
    stack.until(READY).await;
    assert_one_set(&stack).await;
    // The API too has come back.
    upload_whole(&stack, &api, &photo).await;
    stack
        .until("SELECT count(*) = 2 FROM media_files WHERE status = 'READY'")
        .await;
}
