//! The published documents are those the code makes. After a change: `./just openapi`.

use std::path::Path;

use reqwest::StatusCode;
use serde_json::Value;

use crate::service::Service;

#[test]
fn the_committed_documents_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi");
    for (name, document) in [
        ("mediamill.openapi.json", api::openapi::document_31()),
        ("mediamill.openapi-3.0.json", api::openapi::document_30()),
    ] {
        let made = api::openapi::to_text(&document);
        let file = folder.join(name);
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            committed == made,
            "{name} is stale: run `./just openapi` and commit `openapi/`"
        );
    }
}

#[test]
fn every_operation_is_named_described_and_can_fail() {
    let document = api::openapi::document_31();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let has = |key: &str| operation[key].as_str().is_some_and(|text| !text.is_empty());
            assert!(
                has("operationId") && has("summary") && has("description"),
                "{method} {path}"
            );
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.keys().any(|status| status.starts_with('4')),
                "{method} {path}"
            );
            assert!(operation["security"].is_array(), "{method} {path}");
        }
    }
    let text = document.to_string();
    for leftover in ["uint", "nullable", "charset", "REQUEST-ID"] {
        assert!(!text.contains(leftover), "{leftover}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_pages_and_assets_are_served_under_a_strict_policy() {
    let service = Service::start().await;
    for (path, content_type) in [
        ("/", "text/html"),
        ("/assets/app.js", "text/javascript"),
        ("/assets/app.css", "text/css"),
        ("/docs", "text/html"),
        ("/docs/redoc.js", "text/javascript"),
        ("/docs/start.js", "text/javascript"),
        ("/openapi.json", "application/json"),
        ("/openapi-3.0.json", "application/json"),
    ] {
        let answer = service
            .http
            .get(format!("{}{path}", service.base))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let headers = answer.headers();
        assert!(
            headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with(content_type),
            "{path}"
        );
        assert!(
            headers["content-security-policy"]
                .to_str()
                .unwrap()
                .starts_with("default-src 'none'"),
            "{path}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
    }
    let (_, served) = service.get("/openapi.json", "").await;
    assert_eq!(served, api::openapi::document_31());
    assert_eq!(served["openapi"], Value::from("3.1.0"));
    let viewer = service
        .http
        .get(format!("{}/docs/redoc.js", service.base))
        .send()
        .await
        .unwrap();
    assert!(viewer.text().await.unwrap().contains("Redoc"));
}
