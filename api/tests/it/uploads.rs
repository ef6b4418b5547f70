//! The life of an upload.

use chrono::{DateTime, TimeDelta, Utc};
use media::api_keys::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::service::{self, Service};

const BOTH: [Scope; 2] = [Scope::UploadsWrite, Scope::FilesRead];
const MIB: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn a_small_file_is_sent_in_one_piece_and_completed_once() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    let upload = service.initiate(&key, 5).await;
    assert_eq!(upload["upload"]["strategy"], "single");
    let file = format!("/v1/files/{}", upload["file_id"].as_str().unwrap());
    assert_eq!(service.get(&file, &key).await.1["status"], "PENDING");

    let path = path(&upload, "/complete");
    let (status, problem) = service.post(&path, &key, &json!({"parts": []})).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (409, &json!("parts_missing"))
    );
    assert_eq!(problem["part_numbers"], json!([1]));

    let sent = service.send(&upload["upload"], b"hello".to_vec()).await;
    assert_eq!(sent.status(), StatusCode::OK, "{:?}", sent.text().await);
    // Without a body, as the store is asked in any case; and several at once.
    let complete = || async {
        service::json(
            service
                .request(Method::POST, &path, &key)
                .send()
                .await
                .unwrap(),
        )
        .await
    };
    let answers = tokio::join!(complete(), complete(), complete());
    for (status, body) in [answers.0, answers.1, answers.2, complete().await] {
        assert_eq!(status, StatusCode::ACCEPTED, "{body}");
        assert_eq!(body["file_id"], upload["file_id"]);
    }
    let runs: i64 = sqlx::query_scalar("SELECT count(*) FROM workflows.runs")
        .fetch_one(&service.pool)
        .await
        .unwrap();
    assert_eq!(runs, 1);
    let (_, found) = service.get(&file, &key).await;
    assert_eq!(found["status"], "ASSEMBLING");
    assert_eq!(found["run"]["state"], "running");
    assert_eq!(found["filename"], "harbour.jpg");

    let (status, problem) = service.delete(&path.replace("/complete", ""), &key).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (409, &json!("upload_completed"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_is_sent_in_parts_and_resumed() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    let upload = service.initiate(&key, 9 * MIB).await;
    let parts = upload["upload"]["parts"].as_array().unwrap();
    assert_eq!(upload["upload"]["strategy"], "multipart");
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[1]["size_bytes"], MIB);
    assert!(
        service
            .send(&parts[0], vec![1; 8 * MIB])
            .await
            .status()
            .is_success()
    );

    let (_, arrived) = service.get(&path(&upload, "/parts"), &key).await;
    assert_eq!(arrived["parts"][0]["part_number"], 1);
    assert_eq!(arrived["parts"].as_array().unwrap().len(), 1);
    let (status, problem) = service
        .post(&path(&upload, "/complete"), &key, &json!(null))
        .await;
    assert_eq!(
        (status.as_u16(), &problem["part_numbers"]),
        (409, &json!([2]))
    );

    let (_, fresh) = service
        .post(&path(&upload, "/urls"), &key, &json!({"part_numbers": [2]}))
        .await;
    let sent = service.send(&fresh["parts"][0], vec![2; MIB]).await;
    let etag = sent.headers()["etag"].to_str().unwrap().to_owned();

    let wrong = json!({"parts": [{"part_number": 2, "etag": "\"other\""}]});
    let (status, problem) = service
        .post(&path(&upload, "/complete"), &key, &wrong)
        .await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (409, &json!("etag_mismatch"))
    );
    let right = json!({"parts": [{"part_number": 2, "etag": etag.trim_matches('"')}]});
    let (status, _) = service
        .post(&path(&upload, "/complete"), &key, &right)
        .await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let sizes: Vec<i64> =
        sqlx::query_scalar("SELECT size_bytes FROM upload_parts ORDER BY part_number")
            .fetch_all(&service.pool)
            .await
            .unwrap();
    assert_eq!(sizes, [8 << 20, 1 << 20]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digest_may_be_told_when_the_upload_is_completed() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    let (right, wrong) = ("ab".repeat(32), "cd".repeat(32));
    for declared in [None, Some(&right)] {
        let body = json!({
            "filename": "harbour.jpg", "content_type": "image/jpeg", "size_bytes": 5, "sha256": declared,
        });
        let (_, upload) = service.post("/v1/uploads", &key, &body).await;
        service.send(&upload["upload"], b"hello".to_vec()).await;
        let path = path(&upload, "/complete");
        let not_hex = json!({ "sha256": "ab" });
        assert_eq!(service.post(&path, &key, &not_hex).await.0.as_u16(), 422);
        if declared.is_some() {
            let body = json!({ "sha256": wrong });
            let (status, problem) = service.post(&path, &key, &body).await;
            assert_eq!(status.as_u16(), 422, "{problem}");
            assert_eq!(problem["errors"][0]["pointer"], "/sha256");
        }
        let body = json!({ "sha256": right.to_uppercase() });
        let (status, completed) = service.post(&path, &key, &body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{completed}");
        let kept =
            "SELECT encode(declared_sha256, 'hex') FROM uploads WHERE upload_id = $1::text::uuid";
        let kept: String = sqlx::query_scalar(kept)
            .bind(upload["upload_id"].as_str())
            .fetch_one(&service.pool)
            .await
            .unwrap();
        assert_eq!(kept, right);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_size_than_declared_is_not_completed() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    let upload = service.initiate(&key, 5).await;
    let too_long = service
        .send(&upload["upload"], b"hello world".to_vec())
        .await;
    assert_eq!(
        too_long.status(),
        StatusCode::FORBIDDEN,
        "the length is signed"
    );
    // A store that does not hold clients to the signed length.
    let id: uuid::Uuid = upload["upload_id"].as_str().unwrap().parse().unwrap();
    let staging = media::keys::staging(media::UploadId(id));
    let bytes = bytes::Bytes::from_static(b"hello world");
    let bucket = storage::Bucket::Staging;
    service
        .store
        .put_bytes(bucket, &staging, bytes, "x/y", None)
        .await
        .unwrap();
    let (status, problem) = service
        .post(&path(&upload, "/complete"), &key, &json!(null))
        .await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (409, &json!("size_mismatch"))
    );
    assert_eq!(problem["limit"], "5 bytes");
    assert_eq!(problem["measured"], "11 bytes");
    assert_eq!(service.runs(&upload["file_id"]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aborted_upload_stays_aborted() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    for size in [5, 9 * MIB] {
        let upload = service.initiate(&key, size).await;
        for _ in 0..2 {
            let (status, body) = service.delete(&path(&upload, ""), &key).await;
            assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
        }
        let (status, problem) = service
            .post(&path(&upload, "/complete"), &key, &json!(null))
            .await;
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (409, &json!("upload_aborted"))
        );
        let file = format!("/v1/files/{}", upload["file_id"].as_str().unwrap());
        let (_, file) = service.get(&file, &key).await;
        assert_eq!(
            (&file["status"], &file["rejection"]["code"]),
            (&json!("REJECTED"), &json!("upload_aborted"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_upload_is_over() {
    // Every look at this clock is two days after the last.
    fn leaping() -> DateTime<Utc> {
        use std::sync::atomic::{AtomicI32, Ordering};
        static LOOKS: AtomicI32 = AtomicI32::new(0);
        // The first looks belong to initiate and its URL.
        let looks = LOOKS.fetch_add(1, Ordering::SeqCst);
        Utc::now() + TimeDelta::days(if looks < 4 { 0 } else { 2 })
    }
    let service = Service::start_at(leaping).await;
    let key = service.key("ann", &BOTH).await;
    let upload = service.initiate(&key, 5).await;
    for _ in 0..2 {
        service.get(&path(&upload, "/parts"), &key).await;
    }
    for (suffix, body) in [
        ("/urls", json!({"part_numbers": [1]})),
        ("/complete", json!(null)),
    ] {
        let (status, problem) = service.post(&path(&upload, suffix), &key, &body).await;
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (410, &json!("upload_expired")),
            "{suffix}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_makes_initiate_repeatable() {
    let service = Service::start().await;
    let (ann, bob) = (
        service.key("ann", &BOTH).await,
        service.key("bob", &BOTH).await,
    );
    let initiate = |key: String, size: usize| {
        let body = json!({"filename": "a", "content_type": "b/c", "size_bytes": size});
        let request = service
            .request(Method::POST, "/v1/uploads", &key)
            .json(&body);
        async move {
            service::json(
                request
                    .header("idempotency-key", "k1")
                    .send()
                    .await
                    .unwrap(),
            )
            .await
        }
    };
    let size = 9 * MIB;
    let (one, two, three) = tokio::join!(
        initiate(ann.clone(), size),
        initiate(ann.clone(), size),
        initiate(ann.clone(), size)
    );
    for (status, upload) in [&one, &two, &three] {
        assert_eq!(*status, StatusCode::CREATED, "{upload}");
        assert_eq!(upload["upload_id"], one.1["upload_id"]);
    }
    let (status, problem) = initiate(ann, size + 1).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (422, &json!("idempotency_key_reused"))
    );
    let (_, other) = initiate(bob, size).await;
    assert_ne!(other["upload_id"], one.1["upload_id"]);
    let files: i64 = sqlx::query_scalar("SELECT count(*) FROM media_files")
        .fetch_one(&service.pool)
        .await
        .unwrap();
    assert_eq!(files, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_hundred_parts_come_with_the_upload_and_the_rest_on_request() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    let upload = service.initiate(&key, 110 * 8 * MIB).await;
    assert_eq!(upload["upload"]["part_count"], 110);
    assert_eq!(upload["upload"]["parts"].as_array().unwrap().len(), 100);
    let rest = json!({"part_numbers": (101..=110).collect::<Vec<_>>()});
    let (_, urls) = service.post(&path(&upload, "/urls"), &key, &rest).await;
    assert_eq!(urls["parts"][9]["part_number"], 110);
    let (status, problem) = service
        .post(
            &path(&upload, "/urls"),
            &key,
            &json!({"part_numbers": [1, 111]}),
        )
        .await;
    assert_eq!(
        (status.as_u16(), &problem["errors"][0]["pointer"]),
        (422, &json!("/part_numbers/1"))
    );
}

fn path(upload: &Value, suffix: &str) -> String {
    format!(
        "/v1/uploads/{}{suffix}",
        upload["upload_id"].as_str().unwrap()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_of_the_request_goes_on_in_the_run() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let service = Service::start().await;
    let key = service.key("ann", &[Scope::UploadsWrite]).await;
    let mut kept = Vec::new();
    for given in [Some(TRACE), Some("nonsense"), None] {
        let upload = service.initiate(&key, 5).await;
        service.send(&upload["upload"], b"hello".to_vec()).await;
        let path = format!(
            "/v1/uploads/{}/complete",
            upload["upload_id"].as_str().unwrap()
        );
        let mut request = service.request(Method::POST, &path, &key);
        if let Some(given) = given {
            request = request.header("traceparent", given);
        }
        assert_eq!(request.send().await.unwrap().status(), StatusCode::ACCEPTED);
        let sql = "SELECT trace_parent FROM workflows.runs ORDER BY run_id DESC LIMIT 1";
        let trace: String = sqlx::query_scalar(sql)
            .fetch_one(&service.pool)
            .await
            .unwrap();
        kept.push(trace);
    }
    assert_eq!(kept[0], TRACE);
    for fresh in &kept[1..] {
        assert_eq!(fresh.len(), TRACE.len(), "{fresh}");
        assert!(fresh.starts_with("00-") && fresh != TRACE, "{fresh}");
    }
    assert_ne!(kept[1], kept[2]);
}
