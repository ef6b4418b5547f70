//! Every error is a problem document with a stable code, whoever made it and whoever asks.

use media::api_keys::Scope;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::service::{FRIEND, Service};

/// Method, path, status, code.
const PATHS: [(&str, &str, u16, &str); 11] = [
    ("GET", "/nowhere", 404, "not_found"),
    ("GET", "/v1/nowhere", 404, "not_found"),
    ("GET", "/v1/files/not-a-uuid", 400, "invalid_parameter"),
    ("GET", "/v1/files?limit=0", 400, "invalid_parameter"),
    ("GET", "/v1/files?limit=x", 400, "invalid_parameter"),
    ("GET", "/v1/files?status=DONE", 400, "invalid_parameter"),
    ("GET", "/v1/files?cursor=abc", 400, "invalid_parameter"),
    (
        "GET",
        "/v1/files/0193a000-0000-7000-8000-000000000000",
        404,
        "not_found",
    ),
    (
        "GET",
        "/v1/uploads/0193a000-0000-7000-8000-000000000000/parts",
        404,
        "not_found",
    ),
    (
        "PATCH",
        "/v1/files/0193a000-0000-7000-8000-000000000000",
        405,
        "method_not_allowed",
    ),
    ("PUT", "/", 405, "method_not_allowed"),
];

/// Bodies of an initiate request: content type, body, status, code.
const BODIES: [(&str, &str, u16, &str); 26] = [
    ("text/plain", "{}", 415, "unsupported_media_type"),
    ("", "{}", 415, "unsupported_media_type"),
    (
        "application/json; charset=iso-8859-1",
        GOOD,
        415,
        "unsupported_media_type",
    ),
    (
        "application/json;a=b; charset=\"utf-16\"",
        GOOD,
        415,
        "unsupported_media_type",
    ),
    ("application/json", "{", 400, "malformed_json"),
    ("application/json", "{}", 422, "invalid_field"),
    (
        "application/json",
        r#"{"filename":"a","filename":"b","content_type":"b/c","size_bytes":1}"#,
        400,
        "malformed_json",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"b/c","size_bytes":"1"}"#,
        422,
        "invalid_field",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"b/c","size_bytes":0}"#,
        422,
        "file_empty",
    ),
    (
        "application/json",
        r#"{"filename":"","content_type":"b/c","size_bytes":1}"#,
        422,
        "invalid_field",
    ),
    (
        "application/json",
        r#"{"filename":"a\u0000","content_type":"b/c","size_bytes":1}"#,
        422,
        "invalid_field",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"b/c","size_bytes":1,"sha256":"00"}"#,
        422,
        "invalid_field",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"b/c","size_bytes":1,"owner":"e"}"#,
        422,
        "invalid_field",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"b/c","size_bytes":1000000001}"#,
        413,
        "file_too_large",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"b/c","size_bytes":5.0}"#,
        422,
        "invalid_field",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"b/c","size_bytes":5.0000000000000000001}"#,
        422,
        "invalid_field",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"b/c","size_bytes":5e0}"#,
        422,
        "invalid_field",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"b/c","size_bytes":-0.0}"#,
        422,
        "invalid_field",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"b/c","size_bytes":9007199254740992}"#,
        422,
        "invalid_field",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"b/c","size_bytes":18446744073709551616}"#,
        422,
        "invalid_field",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"b/c","size_bytes":123456789012345678901234567890}"#,
        422,
        "invalid_field",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"b","size_bytes":1}"#,
        422,
        "invalid_field",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"b/","size_bytes":1}"#,
        422,
        "invalid_field",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"b/c/d","size_bytes":1}"#,
        422,
        "invalid_field",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"image / png","size_bytes":1}"#,
        422,
        "invalid_field",
    ),
    (
        "application/json",
        r#"{"filename":"a","content_type":"ä/b","size_bytes":1}"#,
        422,
        "invalid_field",
    ),
];

/// What is passed but for its content type.
const GOOD: &str = r#"{"filename":"a","content_type":"b/c","size_bytes":1}"#;

const ORIGINS: [Option<&str>; 3] = [None, Some(FRIEND), Some("https://stranger.example")];

#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_a_problem_with_and_without_an_origin() {
    let service = Service::start().await;
    let key = service
        .key("ann", &[Scope::UploadsWrite, Scope::FilesRead])
        .await;
    for origin in ORIGINS {
        for (method, path, status, code) in PATHS {
            let request = service.request(method.parse().unwrap(), path, &key);
            assert_problem(request, origin, status, code, &format!("{method} {path}")).await;
        }
        for (content_type, body, status, code) in BODIES {
            let mut request = service
                .request(Method::POST, "/v1/uploads", &key)
                .body(body);
            if !content_type.is_empty() {
                request = request.header("content-type", content_type);
            }
            assert_problem(request, origin, status, code, body).await;
        }
        let huge = service
            .request(Method::POST, "/v1/uploads", &key)
            .body("x".repeat(2 << 20));
        assert_problem(huge, origin, 413, "body_too_large", "a huge body").await;
    }
}

async fn assert_problem(
    mut request: RequestBuilder,
    origin: Option<&str>,
    status: u16,
    code: &str,
    what: &str,
) {
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    let response = request.send().await.unwrap();
    let headers = response.headers().clone();
    assert_eq!(response.status().as_u16(), status, "{what}");
    assert_eq!(
        headers["content-type"], "application/problem+json",
        "{what}"
    );
    assert_eq!(headers.contains_key("allow"), status == 405, "{what}");
    let readable = headers.contains_key("access-control-allow-origin");
    assert_eq!(readable, origin == Some(FRIEND), "{what} from {origin:?}");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["code"], code, "{what}: {problem}");
    assert_eq!(problem["status"], status, "{what}");
    assert_eq!(problem["type"], format!("/docs/errors#{code}"));
    assert_eq!(
        problem["request_id"],
        headers["x-request-id"].to_str().unwrap()
    );
    assert!(problem["detail"].as_str().unwrap().len() > 3, "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_asked_for_and_their_scopes_kept() {
    let service = Service::start().await;
    let reader = service.key("ann", &[Scope::FilesRead]).await;
    let admin = service.key("ann", &[Scope::Admin]).await;
    let response = service
        .http
        .get(format!("{}/v1/files", service.base))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(
        response.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .starts_with("Bearer")
    );
    let (status, problem) = service.get("/v1/files", "mm_wrong").await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (401, &json!("unauthenticated"))
    );

    assert_eq!(service.get("/v1/files", &reader).await.0, StatusCode::OK);
    let (_, account) = service.get("/v1/account", &reader).await;
    assert_eq!(account["owner"], "ann");
    assert_eq!(account["scopes"], json!(["files:read"]));
    let header = service
        .http
        .get(format!("{}/v1/files", service.base))
        .header("x-api-key", &reader);
    assert_eq!(header.send().await.unwrap().status(), StatusCode::OK);
    let body = json!({"filename": "a", "content_type": "b/c", "size_bytes": 1});
    let (status, problem) = service.post("/v1/uploads", &reader, &body).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (403, &json!("scope_missing"))
    );
    assert_eq!(
        service.post("/v1/uploads", &admin, &body).await.0,
        StatusCode::CREATED
    );

    sqlx::query("UPDATE api_keys SET revoked_at = now()")
        .execute(&service.pool)
        .await
        .unwrap();
    assert_eq!(
        service.get("/v1/files", &reader).await.0,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_friends_may_call_and_others_may_not() {
    let service = Service::start().await;
    let preflight = |origin: &'static str| {
        service
            .http
            .request(Method::OPTIONS, format!("{}/v1/uploads", service.base))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization, content-type",
            )
            .send()
    };
    let friend = preflight(FRIEND).await.unwrap();
    assert_eq!(friend.status(), StatusCode::NO_CONTENT);
    assert_eq!(friend.headers()["access-control-allow-origin"], FRIEND);
    let exposed = friend.headers()["access-control-expose-headers"]
        .to_str()
        .unwrap();
    for header in ["ETag", "Location", "Retry-After", "X-Request-Id"] {
        assert!(exposed.contains(header), "{exposed}");
    }
    assert!(
        friend.headers()["access-control-allow-methods"]
            .to_str()
            .unwrap()
            .contains("POST")
    );
    let stranger = preflight("https://stranger.example").await.unwrap();
    assert!(
        !stranger
            .headers()
            .contains_key("access-control-allow-origin")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_whether_the_database_answers() {
    let service = Service::start().await;
    let (status, health) = service.get("/v1/health", "").await;
    assert_eq!((status, &health["status"]), (StatusCode::OK, &json!("ok")));
    service.pool.close().await;
    let (status, problem) = service.get("/v1/health", "").await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (503, &json!("unavailable"))
    );
    assert!(
        problem["detail"].as_str().unwrap().contains("database"),
        "{problem}"
    );
}
