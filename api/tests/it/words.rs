//! What an error says: which field or parameter, in plain words, and never much of what was sent.

use media::api_keys::Scope;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::service::{self, Service};

#[tokio::test(flavor = "multi_thread")]
async fn the_field_that_is_wrong_is_named() {
    let service = Service::start().await;
    let key = service.key("ann", &[Scope::UploadsWrite]).await;
    for (body, pointer) in [
        (json!({"content_type": "b/c", "size_bytes": 1}), "/filename"),
        (
            json!({"filename": 7, "content_type": "b/c", "size_bytes": 1}),
            "/filename",
        ),
        (
            json!({"filename": "a", "content_type": "b/c", "size_bytes": -1}),
            "/size_bytes",
        ),
        (
            json!({"filename": "a".repeat(256), "content_type": "b/c", "size_bytes": 1}),
            "/filename",
        ),
    ] {
        let (_, problem) = service.post("/v1/uploads", &key, &body).await;
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let (_, problem) = service
        .post("/v1/uploads", &key, &json!({"filename": "a"}))
        .await;
    assert!(
        problem["detail"].as_str().unwrap().contains("size_bytes"),
        "{problem}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pointer_leads_to_the_very_item() {
    let service = Service::start().await;
    let key = service.key("ann", &[Scope::UploadsWrite]).await;
    let upload = service.initiate(&key, 5).await;
    let id = upload["upload_id"].as_str().unwrap();
    for (verb, body, pointer) in [
        ("urls", json!({"part_numbers": [1, 0]}), "/part_numbers/1"),
        ("urls", json!({"part_numbers": [1, 2]}), "/part_numbers/1"),
        ("urls", json!({"part_numbers": [1, 1]}), "/part_numbers/1"),
        ("urls", json!({"part_numbers": []}), "/part_numbers"),
        (
            "complete",
            json!({"parts": [{"part_number": 0, "etag": "x"}]}),
            "/parts/0/part_number",
        ),
        (
            "complete",
            json!({"parts": [{"part_number": 1, "etag": ""}]}),
            "/parts/0/etag",
        ),
        (
            "complete",
            json!({"parts": [{"part_number": 2, "etag": "x"}]}),
            "/parts/0/part_number",
        ),
        (
            "complete",
            json!({"parts": [{"part_number": 1, "etag": "x"}, {"part_number": 1, "etag": "x"}]}),
            "/parts/1/part_number",
        ),
    ] {
        let path = format!("/v1/uploads/{id}/{verb}");
        let (status, problem) = service.post(&path, &key, &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
}

/// A body that may be left out is still held against the contract, and none is coded.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_json_as_it_is() {
    let service = Service::start().await;
    let key = service.key("ann", &[Scope::UploadsWrite]).await;
    let upload = service.initiate(&key, 5).await;
    service.send(&upload["upload"], b"hello".to_vec()).await;
    let path = format!(
        "/v1/uploads/{}/complete",
        upload["upload_id"].as_str().unwrap()
    );
    for (coding, content_type, body, status) in [
        ("identity", "application/json", "null", 422),
        ("gzip", "application/json", "{}", 415),
        ("identity, br", "application/json", "", 415),
        ("identity", "application/json; charset=latin1", "{}", 415),
        (
            "identity",
            "Application/JSON; Charset=\"UTF-8\"",
            r#"{"parts":[]}"#,
            202,
        ),
    ] {
        let request = service.request(Method::POST, &path, &key).body(body);
        let request = request
            .header("content-encoding", coding)
            .header("content-type", content_type);
        let answer = request.send().await.unwrap();
        assert_eq!(
            answer.status().as_u16(),
            status,
            "{coding}, {content_type}: {body}"
        );
        let named = answer.headers().contains_key("accept-encoding");
        assert_eq!(named, coding != "identity", "{coding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_are_unknown_doubled_or_wrong_are_named() {
    let service = Service::start().await;
    let key = service.key("ann", &[Scope::FilesRead]).await;
    for (path, parameter, words) in [
        ("/v1/files?limit=999", "limit", "must be 1 to 100"),
        ("/v1/files?limit=x", "limit", "must be a whole number"),
        ("/v1/files?limit=1&limit=2", "limit", "is there twice"),
        (
            "/v1/files?after=1",
            "after",
            "is unknown; there are limit, cursor, status",
        ),
        (
            "/v1/files?cursor=zz",
            "cursor",
            "must be the `next_cursor` of a page",
        ),
        (
            "/v1/files?cursor=00",
            "cursor",
            "is not a cursor of this list",
        ),
        ("/v1/files?status=DONE", "status", "must be one of PENDING"),
        ("/v1/files?limit=1.0", "limit", "must be a whole number"),
        ("/v1/files?limit=1e1", "limit", "must be a whole number"),
        ("/v1/files?limit=+1", "limit", "must be a whole number"),
        ("/v1/files/x", "file_id", "must be a UUID"),
        ("/v1/files/%ff", "file_id", "must be UTF-8"),
        ("/v1/files/a%00", "file_id", "must not contain"),
        (
            "/v1/files/%7B0193a000-0000-7000-8000-000000000000%7D",
            "file_id",
            "must be a UUID",
        ),
        (
            "/v1/files/urn:uuid:0193a000-0000-7000-8000-000000000000",
            "file_id",
            "must be a UUID",
        ),
        (
            "/v1/files/0193a000000070008000000000000000",
            "file_id",
            "must be a UUID",
        ),
    ] {
        let (status, problem) = service.get(path, &key).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {problem}");
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{problem}");
        let detail = problem["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.starts_with(words), "{path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().starts_with(parameter));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_that_is_bad_or_doubled_is_refused() {
    let service = Service::start().await;
    let key = service.key("ann", &[Scope::UploadsWrite]).await;
    let body = json!({"filename": "a", "content_type": "b/c", "size_bytes": 1});
    let ascii = |text: &str| reqwest::header::HeaderValue::from_str(text).unwrap();
    let umlaut = reqwest::header::HeaderValue::from_bytes("schlüssel".as_bytes()).unwrap();
    for values in [
        vec![umlaut],
        vec![ascii("one"), ascii("two")],
        vec![ascii("one"), ascii("one")],
        vec![ascii("")],
        vec![ascii("two words")],
        vec![ascii(&"k".repeat(256))],
    ] {
        let mut request = service
            .request(Method::POST, "/v1/uploads", &key)
            .json(&body);
        for value in &values {
            request = request.header("idempotency-key", value.clone());
        }
        let (status, problem) = service::json(request.send().await.unwrap()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{values:?}: {problem}");
        assert_eq!(problem["errors"][0]["parameter"], "Idempotency-Key");
    }
    let files: i64 = sqlx::query_scalar("SELECT count(*) FROM media_files")
        .fetch_one(&service.pool)
        .await
        .unwrap();
    assert_eq!(files, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_repeats_much_of_the_request_or_shows_the_framework() {
    let service = Service::start().await;
    let key = service.key("ann", &[Scope::Admin]).await;
    let long = "x".repeat(500_000);
    let mut texts = Vec::new();
    for body in [
        json!({ long.clone(): 1 }),
        json!({"filename": long, "content_type": "b/c", "size_bytes": 1}),
        json!({"filename": 1, "content_type": null, "size_bytes": "many"}),
        json!([1]),
        json!("text"),
    ] {
        texts.push(service.post("/v1/uploads", &key, &body).await);
    }
    let half = r#"{"filename": "#;
    let request = service.request(Method::POST, "/v1/uploads", &key);
    let request = request
        .header("content-type", "application/json")
        .body(half);
    texts.push(service::json(request.send().await.unwrap()).await);
    for path in [
        format!("/v1/files?{}=1", "x".repeat(5000)),
        "/v1/files?limit=x".to_owned(),
        "/v1/files/x".to_owned(),
        "/v1/admin/redrives?going_on=perhaps".to_owned(),
        "/v1/admin/queues/%00/pause".to_owned(),
    ] {
        texts.push(service.get(&path, &key).await);
    }
    for (status, problem) in texts {
        assert!(status.is_client_error(), "{problem}");
        let text = problem.to_string();
        assert!(text.len() < 2000, "{} bytes", text.len());
        for word in [
            "struct",
            "expected",
            "exclusive",
            "failed to parse",
            "EOF",
            "verification",
        ] {
            assert!(!text.contains(word), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_is_said_once() {
    let service = Service::start().await;
    let key = service.key("ann", &[Scope::FilesRead]).await;
    let other = service.key("bob", &[Scope::FilesRead]).await;
    for (header, parameter) in [
        ("authorization", "Authorization"),
        ("x-api-key", "X-API-Key"),
    ] {
        let asked = service.request(Method::GET, "/v1/files", &key);
        let asked = asked.header(header, format!("Bearer {other}")).send();
        let (status, problem) = service::json(asked.await.unwrap()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
        assert_eq!(problem["errors"][0]["parameter"], parameter);
    }
}
