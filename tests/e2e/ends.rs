//! Every way in which a file comes to its end, and how it is sent through again or deleted.

use media::{Sha256, UploadId, keys};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use storage::{Bucket, ObjectKey};
use uuid::Uuid;

use crate::{fixtures::phone_photo, process::Process, stack::Stack};

/// What the API answers a client.
pub async fn call(stack: &Stack, api: &Process, method: Method, path: &str) -> (StatusCode, Value) {
    let request = Client::new().request(method, format!("{}{path}", api.ready));
    let response = request.bearer_auth(&stack.key).send().await.unwrap();
    let status = response.status();
    (status, response.json().await.unwrap_or_default())
}

/// A file as its owner polls it.
async fn file(stack: &Stack, api: &Process, id: Uuid) -> Value {
    let (status, file) = call(stack, api, Method::GET, &format!("/v1/files/{id}")).await;
    assert_eq!(status, 200, "{file}");
    file
}

/// Opens an upload. Returns it as it was answered.
pub async fn initiate(stack: &Stack, api: &Process, bytes: &[u8]) -> Value {
    let body = json!({
        "filename": "a.jpg", "content_type": "image/jpeg", "size_bytes": bytes.len(),
    });
    let request = Client::new().post(format!("{}/v1/uploads", api.ready));
    let response = request.bearer_auth(&stack.key).json(&body).send().await;
    response.unwrap().json().await.unwrap()
}

/// Sends a small file to the address that was signed for it.
pub async fn put(upload: &Value, bytes: &[u8]) -> StatusCode {
    let url = upload["upload"]["url"].as_str().unwrap();
    let sent = Client::new().put(url).body(bytes.to_vec()).send().await;
    sent.unwrap().status()
}

pub fn id(value: &Value, name: &str) -> Uuid {
    value[name].as_str().unwrap().parse().unwrap()
}

/// Sends a small file, and does not wait for what becomes of it. Returns its upload.
async fn send(stack: &Stack, api: &Process, bytes: &[u8]) -> Value {
    let upload = initiate(stack, api, bytes).await;
    assert_eq!(put(&upload, bytes).await, 200);
    let path = format!("/v1/uploads/{}/complete", id(&upload, "upload_id"));
    let (status, answer) = call(stack, api, Method::POST, &path).await;
    assert_eq!(status, 202, "{answer}");
    upload
}

/// Runs an operator's command that must go well.
async fn operate(stack: &Stack, command: &str) -> String {
    let output = stack.run(command).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn run_of(stack: &Stack, file_id: Uuid) -> Uuid {
    let sql = "SELECT run_id FROM workflows.runs WHERE subject = $1";
    let run = sqlx::query_scalar(sql).bind(file_id);
    run.fetch_one(&stack.pool).await.unwrap()
}

async fn until_outcome(stack: &Stack, api: &Process, id: Uuid, outcome: &str) -> Value {
    let sql = match outcome {
        "none" => "stopped IS NULL AND status NOT IN ('READY', 'REJECTED')".to_owned(),
        "ready" | "rejected" => format!("status = '{}'", outcome.to_uppercase()),
        stopped => format!("stopped = '{stopped}'"),
    };
    let sql = format!("SELECT {sql} FROM media_files WHERE file_id = '{id}'");
    stack.until(&sql).await;
    let file = file(stack, api, id).await;
    assert_eq!(file["outcome"], outcome, "{file}");
    assert_eq!(file["final"], outcome != "none", "{file}");
    file
}

async fn is_there(stack: &Stack, bucket: Bucket, key: &ObjectKey) -> bool {
    stack.store.head(bucket, key).await.unwrap().is_some()
}

async fn until_gone(stack: &Stack, file_id: Uuid) {
    let gone =
        format!("SELECT discarded_at IS NOT NULL FROM media_files WHERE file_id = '{file_id}'");
    stack.until(&gone).await;
}

#[tokio::test]
async fn a_cancelled_file_is_final_and_can_be_sent_through_again() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    stack.hold_queue("render").await;
    let upload = send(&stack, &api, &phone_photo(300, 200)).await;
    let file_id = id(&upload, "file_id");
    stack
        .until("SELECT status = 'PROCESSING' FROM media_files")
        .await;
    let run = run_of(&stack, file_id).await;
    operate(&stack, &format!("runs cancel {run} --reason asked")).await;
    let file = until_outcome(&stack, &api, file_id, "cancelled").await;
    assert_eq!(file["run"]["state"], "cancelled");
    let (_, list) = call(&stack, &api, Method::GET, "/v1/files?outcome=cancelled").await;
    assert_eq!(list["items"][0]["file_id"], json!(file_id), "{list}");
    let (_, list) = call(&stack, &api, Method::GET, "/v1/files?outcome=none").await;
    assert_eq!(list["items"], json!([]), "{list}");

    operate(&stack, &format!("files retry {file_id} --reason mistaken")).await;
    let again = stack
        .run(&format!("files retry {file_id} --reason twice"))
        .await;
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert_eq!(said, "mediamill: the run has not ended: it is running\n");
    operate(&stack, "queues resume render --reason on").await;
    until_outcome(&stack, &api, file_id, "ready").await;
    let audit = operate(&stack, &format!("audit list --target {file_id}")).await;
    assert!(audit.contains("mistaken"), "{audit}");
}

/// Makes the next attempt of a step fail for good: nobody can read what it is given.
async fn spoil(stack: &Stack, step: &str) {
    let sql = "UPDATE workflows.tasks SET input = '[]' FROM workflows.lanes l
               WHERE l.lane = tasks.lane AND l.step = $1";
    let spoilt = sqlx::query(sql).bind(step).execute(&stack.pool).await;
    assert_eq!(spoilt.unwrap().rows_affected(), 1, "{step}");
}

/// A file that failed at its scan.
async fn failed(stack: &Stack, api: &Process) -> Uuid {
    stack.hold_queue("scan").await;
    let upload = send(stack, api, &phone_photo(300, 200)).await;
    stack
        .until("SELECT EXISTS (SELECT FROM workflows.tasks JOIN workflows.lanes USING (lane) WHERE step = 'scan')")
        .await;
    spoil(stack, "scan").await;
    operate(stack, "queues resume scan --reason on").await;
    let file_id = id(&upload, "file_id");
    until_outcome(stack, api, file_id, "failed").await;
    file_id
}

#[tokio::test]
async fn a_failed_file_goes_on_when_it_is_redriven() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let file_id = failed(&stack, &api).await;
    stack.hold_queue("light").await;
    let redrive = "dead-letters redrive --all --from-step assemble --reason repaired";
    operate(&stack, redrive).await;
    until_outcome(&stack, &api, file_id, "none").await;
    operate(&stack, "queues resume light --reason on").await;
    until_outcome(&stack, &api, file_id, "ready").await;
}

#[tokio::test]
async fn a_discarded_letter_cancels_its_file_which_its_owner_can_delete() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let file_id = failed(&stack, &api).await;
    operate(&stack, "dead-letters discard --all --reason lost").await;
    let file = until_outcome(&stack, &api, file_id, "cancelled").await;
    let upload_id = UploadId(id(&file, "upload_id"));
    let sent = keys::staging(upload_id);
    assert!(
        is_there(&stack, Bucket::Staging, &sent).await,
        "for a while"
    );
    let path = format!("/v1/files/{file_id}");
    let (status, _) = call(&stack, &api, Method::DELETE, &path).await;
    assert_eq!(status, 204);
    until_gone(&stack, file_id).await;
    assert!(!is_there(&stack, Bucket::Staging, &sent).await);
    assert!(!is_there(&stack, Bucket::Staging, &keys::frozen(upload_id)).await);
}

#[tokio::test]
async fn a_file_refused_by_mistake_is_kept_and_sent_through_again() {
    let stack = Stack::new().await;
    let api = stack.api().await;
    let strict = [("MEDIAMILL_MAX_IMAGE_PIXELS", "1000")];
    let worker = stack.worker_with(&strict).await;
    let upload = send(&stack, &api, &phone_photo(300, 200)).await;
    let file_id = id(&upload, "file_id");
    let file = until_outcome(&stack, &api, file_id, "rejected").await;
    assert_eq!(file["rejection"]["code"], "too_many_pixels");
    worker.kill_9().await;

    let _worker = stack.worker().await;
    operate(&stack, &format!("files retry {file_id} --reason limit")).await;
    let file = until_outcome(&stack, &api, file_id, "ready").await;
    assert_eq!(file.get("rejection"), None, "{file}");
}

#[tokio::test]
async fn a_file_whose_bytes_are_gone_is_not_sent_through_again() {
    let stack = Stack::new().await;
    let api = stack.api().await;
    let _worker = stack
        .worker_with(&[("MEDIAMILL_KEEP_REFUSED_SECONDS", "0")])
        .await;
    let upload = send(&stack, &api, b"no picture").await;
    let file_id = id(&upload, "file_id");
    until_gone(&stack, file_id).await;
    let retry = stack
        .run(&format!("files retry {file_id} --reason hope"))
        .await;
    assert!(!retry.status.success());
    let said = String::from_utf8_lossy(&retry.stderr).into_owned();
    assert!(said.contains("the bytes of the file are gone"), "{said}");
    until_outcome(&stack, &api, file_id, "rejected").await;
}

#[tokio::test]
async fn a_served_file_that_is_deleted_leaves_nothing_but_what_others_share() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let photo = phone_photo(300, 200);
    let mut files = Vec::new();
    for _ in 0..2 {
        let upload = send(&stack, &api, &photo).await;
        let file_id = id(&upload, "file_id");
        until_outcome(&stack, &api, file_id, "ready").await;
        files.push(file_id);
    }
    let original = keys::original(&Sha256::of(&photo));
    for (file_id, shared) in [(files[0], true), (files[1], false)] {
        // The one by its owner, the other by an operator: the same becomes of both.

        let sql = "SELECT storage_path FROM media_variants WHERE file_id = $1";
        let paths = sqlx::query_scalar(sql).bind(file_id);
        let paths: Vec<String> = paths.fetch_all(&stack.pool).await.unwrap();
        let path = format!("/v1/files/{file_id}");
        if shared {
            let (status, _) = call(&stack, &api, Method::DELETE, &path).await;
            assert_eq!(status, 204);
        } else {
            operate(&stack, &format!("files delete {file_id} --reason abuse")).await;
        }
        assert_eq!(call(&stack, &api, Method::GET, &path).await.0, 404);
        let (again, _) = call(&stack, &api, Method::DELETE, &path).await;
        assert_eq!(again, 204, "it is as gone as before");
        until_gone(&stack, file_id).await;
        for path in paths {
            let key = ObjectKey::new(path).unwrap();
            assert!(!is_there(&stack, Bucket::Origin, &key).await, "{key}");
        }
        assert_eq!(is_there(&stack, Bucket::Origin, &original).await, shared);
    }
    let (_, list) = call(&stack, &api, Method::GET, "/v1/files").await;
    assert_eq!(list["items"], json!([]));
}

#[tokio::test]
async fn a_file_on_its_way_is_stopped_and_deleted() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    stack.hold_queue("render").await;
    let photo = phone_photo(300, 200);
    let upload = send(&stack, &api, &photo).await;
    let file_id = id(&upload, "file_id");
    stack
        .until("SELECT status = 'PROCESSING' FROM media_files")
        .await;
    let open = id(&initiate(&stack, &api, &photo).await, "file_id");
    for file_id in [file_id, open] {
        let path = format!("/v1/files/{file_id}");
        let (status, _) = call(&stack, &api, Method::DELETE, &path).await;
        assert_eq!(status, 204);
        until_gone(&stack, file_id).await;
    }
    let run = run_of(&stack, file_id).await;
    let sql = "SELECT state FROM workflows.runs WHERE run_id = $1";
    let state: String = sqlx::query_scalar(sql)
        .bind(run)
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    assert_eq!(state, "cancelled");
    let original = keys::original(&Sha256::of(&photo));
    assert!(!is_there(&stack, Bucket::Origin, &original).await);
    let missing = format!("/v1/files/{}", Uuid::now_v7());
    let (status, _) = call(&stack, &api, Method::DELETE, &missing).await;
    assert_eq!(status, 404);
}
