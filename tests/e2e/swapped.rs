//! Bytes that are sent again after the client completed the upload, before anybody has looked at it.

use serde_json::Value;
use storage::Bucket;

use crate::{
    faults::{complete, initiate, put},
    fixtures::{large_photo, phone_photo},
    process::Process,
    stack::Stack,
};

/// What becomes of the upload's file once there is a worker.
async fn outcome(stack: &Stack) -> (String, String) {
    let _worker = stack.worker().await;
    stack
        .until("SELECT count(*) = 1 FROM media_files WHERE status IN ('READY', 'REJECTED')")
        .await;
    let sql = "SELECT status::text, coalesce(rejection_code, '') FROM media_files";
    sqlx::query_as(sql).fetch_one(&stack.pool).await.unwrap()
}

async fn send(signed: &Value, bytes: &[u8]) {
    let request = reqwest::Client::new().put(signed["url"].as_str().unwrap());
    let response = request.body(bytes.to_vec()).send().await.unwrap();
    assert_eq!(response.status(), 200, "the signed URL still works");
}

async fn completed(stack: &Stack, api: &Process, photo: &[u8]) -> Value {
    let upload = initiate(stack, api, photo).await;
    for part in upload["upload"]["parts"].as_array().into_iter().flatten() {
        put(part, photo).await;
    }
    if upload["upload"]["strategy"] == "single" {
        send(&upload["upload"], photo).await;
    }
    complete(stack, api, &upload).await;
    upload
}

#[tokio::test]
async fn what_was_confirmed_is_what_is_used_of_a_single_put() {
    let stack = Stack::new().await;
    let api = stack.api().await;
    let (photo, other) = (phone_photo(800, 600), phone_photo(801, 600));
    let mut other = other;
    other.resize(photo.len(), 0);
    let upload = completed(&stack, &api, &photo).await;
    send(&upload["upload"], &other).await;
    let (status, code) = outcome(&stack).await;
    assert_eq!(
        (&*status, &*code),
        ("REJECTED", "upload_changed"),
        "{}",
        stack.logs()
    );
    let original = media::keys::original(&media::Sha256::of(&other));
    let kept = stack.store.head(Bucket::Origin, &original).await.unwrap();
    assert_eq!(kept, None, "nothing of the other bytes is published");
}

#[tokio::test]
async fn what_was_confirmed_is_what_is_used_of_parts() {
    let stack = Stack::new().await;
    let api = stack.api().await;
    let photo = large_photo(3000, 2600);
    let upload = completed(&stack, &api, &photo).await;
    let other = vec![7; photo.len()];
    put(&upload["upload"]["parts"][0], &other).await;
    let (status, code) = outcome(&stack).await;
    assert_eq!(
        (&*status, &*code),
        ("REJECTED", "upload_changed"),
        "{}",
        stack.logs()
    );
}

#[tokio::test]
async fn the_same_bytes_sent_again_are_no_change() {
    let stack = Stack::new().await;
    let api = stack.api().await;
    let photo = phone_photo(800, 600);
    let upload = completed(&stack, &api, &photo).await;
    send(&upload["upload"], &photo).await;
    let (status, _) = outcome(&stack).await;
    assert_eq!(status, "READY", "{}", stack.logs());
}
