//! Every error is a problem document with a stable code, whoever made it and whoever asks.

use media::api_keys::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::service::{FRIEND, Service};

#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_a_problem_with_and_without_an_origin() {
    let service = Service::start().await;
    let key = service
        .key("ann", &[Scope::UploadsWrite, Scope::FilesRead])
        .await;
    let id = uuid::Uuid::now_v7();
    let (file, parts) = (format!("/v1/files/{id}"), format!("/v1/uploads/{id}/parts"));
    let good = json!({"filename": "a", "content_type": "b", "size_bytes": 1}).to_string();
    let with = |change: Value| {
        let mut body: Value = serde_json::from_str(&good).unwrap();
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        body.to_string()
    };
    let (get, post) = (Method::GET, Method::POST);
    let json_type = "application/json";
    let cases: Vec<(Method, &str, &str, String, u16, &str)> = vec![
        (get.clone(), "/nowhere", "", String::new(), 404, "not_found"),
        (
            get.clone(),
            "/v1/nowhere",
            "",
            String::new(),
            404,
            "not_found",
        ),
        (
            get.clone(),
            "/v1/files/not-a-uuid",
            "",
            String::new(),
            400,
            "invalid_parameter",
        ),
        (
            get.clone(),
            "/v1/files?limit=0",
            "",
            String::new(),
            400,
            "invalid_parameter",
        ),
        (
            get.clone(),
            "/v1/files?limit=x",
            "",
            String::new(),
            400,
            "invalid_parameter",
        ),
        (
            get.clone(),
            "/v1/files?status=DONE",
            "",
            String::new(),
            400,
            "invalid_parameter",
        ),
        (
            get.clone(),
            "/v1/files?cursor=abc",
            "",
            String::new(),
            400,
            "invalid_parameter",
        ),
        (get.clone(), &file, "", String::new(), 404, "not_found"),
        (get, &parts, "", String::new(), 404, "not_found"),
        (
            Method::PATCH,
            &file,
            "",
            String::new(),
            405,
            "method_not_allowed",
        ),
        (
            Method::PUT,
            "/",
            "",
            String::new(),
            405,
            "method_not_allowed",
        ),
        (
            post.clone(),
            "/v1/uploads",
            "text/plain",
            good.clone(),
            415,
            "unsupported_media_type",
        ),
        (
            post.clone(),
            "/v1/uploads",
            "",
            good.clone(),
            415,
            "unsupported_media_type",
        ),
        (
            post.clone(),
            "/v1/uploads",
            json_type,
            "{".into(),
            400,
            "malformed_json",
        ),
        (
            post.clone(),
            "/v1/uploads",
            json_type,
            "x".repeat(2 << 20),
            413,
            "body_too_large",
        ),
        (
            post.clone(),
            "/v1/uploads",
            json_type,
            "{}".into(),
            422,
            "invalid_field",
        ),
        (
            post.clone(),
            "/v1/uploads",
            json_type,
            with(json!({"size_bytes": "1"})),
            422,
            "invalid_field",
        ),
        (
            post.clone(),
            "/v1/uploads",
            json_type,
            with(json!({"size_bytes": 0})),
            422,
            "invalid_field",
        ),
        (
            post.clone(),
            "/v1/uploads",
            json_type,
            with(json!({"filename": ""})),
            422,
            "invalid_field",
        ),
        (
            post.clone(),
            "/v1/uploads",
            json_type,
            with(json!({"filename": "a\u{0}"})),
            422,
            "invalid_field",
        ),
        (
            post.clone(),
            "/v1/uploads",
            json_type,
            with(json!({"sha256": "00"})),
            422,
            "invalid_field",
        ),
        (
            post.clone(),
            "/v1/uploads",
            json_type,
            with(json!({"owner": "eve"})),
            422,
            "invalid_field",
        ),
        (
            post,
            "/v1/uploads",
            json_type,
            with(json!({"size_bytes": 1_000_000_001})),
            413,
            "file_too_large",
        ),
    ];
    for origin in [None, Some(FRIEND), Some("https://stranger.example")] {
        for (method, path, content_type, body, status, code) in &cases {
            let mut request = service
                .request(method.clone(), path, &key)
                .body(body.clone());
            if !content_type.is_empty() {
                request = request.header("content-type", *content_type);
            }
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let response = request.send().await.unwrap();
            let what = format!("{method} {path} {body:.60} from {origin:?}");
            let headers = response.headers().clone();
            assert_eq!(response.status().as_u16(), *status, "{what}");
            assert_eq!(
                headers["content-type"], "application/problem+json",
                "{what}"
            );
            assert_eq!(headers.contains_key("allow"), *status == 405, "{what}");
            let readable = headers.contains_key("access-control-allow-origin");
            assert_eq!(readable, origin == Some(FRIEND), "{what}");
            let problem: Value = response.json().await.unwrap();
            assert_eq!(problem["code"], *code, "{what}: {problem}");
            assert_eq!(problem["status"], *status, "{what}");
            assert_eq!(problem["type"], format!("urn:mediamill:problem:{code}"));
            assert_eq!(
                problem["request_id"],
                headers["x-request-id"].to_str().unwrap()
            );
            assert!(problem["detail"].as_str().unwrap().len() > 3, "{problem}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_field_that_is_wrong_is_named() {
    let service = Service::start().await;
    let key = service.key("ann", &[Scope::UploadsWrite]).await;
    for (body, pointer) in [
        (json!({"content_type": "b", "size_bytes": 1}), ""),
        (
            json!({"filename": 7, "content_type": "b", "size_bytes": 1}),
            "/filename",
        ),
        (
            json!({"filename": "a", "content_type": "b", "size_bytes": 0}),
            "/size_bytes",
        ),
        (
            json!({"filename": "a".repeat(256), "content_type": "b", "size_bytes": 1}),
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
        problem["detail"].as_str().unwrap().contains("content_type"),
        "{problem}"
    );
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
    let header = service
        .http
        .get(format!("{}/v1/files", service.base))
        .header("x-api-key", &reader);
    assert_eq!(header.send().await.unwrap().status(), StatusCode::OK);
    let body = json!({"filename": "a", "content_type": "b", "size_bytes": 1});
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
