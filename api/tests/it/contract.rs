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
    let errors = std::fs::read_to_string(folder.join("../docs/errors.md")).unwrap_or_default();
    assert!(
        errors == api::pages::errors::markdown(),
        "docs/errors.md is stale: run `./just openapi` and commit `docs/`"
    );
}

/// JavaScript's numbers are exact up to 2^53 - 1.
#[test]
fn every_number_fits_into_javascript() {
    const MAX: f64 = 9_007_199_254_740_991.0;
    fn walk(value: &Value, place: &str) {
        if value["type"] == "integer" || value["type"][0] == "integer" {
            let bounded = value["format"] == "int32"
                || value["maximum"].as_f64().is_some_and(|most| most <= MAX);
            assert!(
                bounded,
                "{place} may be larger than 2^53 - 1: use a text or `Count`"
            );
        }
        if let Some(object) = value.as_object() {
            for (key, value) in object {
                walk(value, &format!("{place}/{key}"));
            }
        }
        for (index, value) in value.as_array().into_iter().flatten().enumerate() {
            walk(value, &format!("{place}/{index}"));
        }
    }
    for document in [api::openapi::document_31(), api::openapi::document_30()] {
        walk(&document, "");
    }
}

#[test]
fn every_list_has_one_envelope_and_one_way_to_go_on() {
    let document = api::openapi::document_31();
    let lists = document["components"]["schemas"].as_object().unwrap();
    let lists = lists
        .iter()
        .filter(|(name, _)| name.ends_with("Page") || name.ends_with("List"));
    for (name, schema) in lists {
        let fields = schema["properties"].as_object().unwrap().keys();
        let fields: Vec<&String> = fields.collect();
        let paged = name.ends_with("Page");
        let expected: &[&str] = if paged {
            &["items", "next_cursor"]
        } else {
            &["items"]
        };
        assert_eq!(fields, expected, "{name}");
        if paged {
            assert_eq!(
                schema["properties"]["next_cursor"]["type"], "string",
                "{name}"
            );
        }
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            assert!(
                !["after", "before", "page", "offset"].contains(&name),
                "{path}: {name}"
            );
        }
    }
}

#[test]
fn customers_operations_come_before_operators() {
    let document = api::openapi::document_31();
    let names = document["tags"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|tag| tag["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Uploads", "Files", "Service", "Admin"]);
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            let admin = operation["tags"] == Value::from(vec!["Admin"]);
            assert_eq!(admin, path.starts_with("/v1/admin/"), "{path}");
        }
    }
}

/// What the engine writes as text, its tables check; the contract lists the same.
#[tokio::test(flavor = "multi_thread")]
async fn states_and_causes_are_those_that_the_tables_allow() {
    let service = Service::start().await;
    let document = api::openapi::document_31();
    for (table, column, schema) in [
        ("runs", "state", "RunState"),
        ("attempts", "outcome", "AttemptOutcome"),
        ("dead_letters", "cause", "DeadLetterCause"),
        ("dead_letters", "resolution", "DeadLetterResolution"),
    ] {
        let sql = "SELECT pg_get_constraintdef(c.oid) FROM pg_constraint c
                   JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
                   WHERE c.contype = 'c' AND c.conrelid = ('workflows.' || $1)::regclass AND a.attname = $2";
        let check: String = sqlx::query_scalar(sql)
            .bind(table)
            .bind(column)
            .fetch_one(&service.pool)
            .await
            .unwrap();
        let quoted = check.split('\'').skip(1).step_by(2);
        let mut stored: Vec<String> = quoted.map(ToOwned::to_owned).collect();
        let listed = document["components"]["schemas"][schema]["enum"]
            .as_array()
            .unwrap();
        let mut listed: Vec<_> = listed
            .iter()
            .map(|v| v.as_str().unwrap().to_owned())
            .collect();
        stored.sort();
        listed.sort();
        assert_eq!(stored, listed, "{table}.{column}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_code_is_listed_and_explained_where_its_type_leads() {
    let service = Service::start().await;
    let page = service
        .http
        .get(format!("{}/docs/errors", service.base))
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.unwrap();
    let document = api::openapi::document_31();
    let schemas = &document["components"]["schemas"];
    for (schema, prefix, least) in [
        ("ProblemCode", "", 14),
        ("RejectionCode", "rejected-", 14),
        ("WarningCode", "warning-", 1),
    ] {
        let codes = schemas[schema]["enum"].as_array().unwrap();
        assert!(codes.len() >= least, "{schema}");
        for code in codes {
            let anchor = format!("id=\"{prefix}{}\"", code.as_str().unwrap());
            assert_eq!(page.matches(&anchor).count(), 1, "{anchor}");
        }
    }
    let (_, problem) = service.get("/v1/files", "").await;
    assert_eq!(problem["type"], "/docs/errors#unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_files_of_the_program_are_compressed_and_sent_once() {
    let service = Service::start().await;
    for path in [
        "/docs/redoc.js",
        "/openapi.json",
        "/assets/app.js",
        "/favicon.ico",
    ] {
        let get = || service.http.get(format!("{}{path}", service.base));
        let plain = get().send().await.unwrap();
        assert!(!plain.headers().contains_key("content-encoding"));
        let etag = plain.headers()["etag"].clone();
        let plain = plain.bytes().await.unwrap();
        let packed = get()
            .header("accept-encoding", "gzip, br")
            .send()
            .await
            .unwrap();
        assert_eq!(packed.headers()["content-encoding"], "gzip", "{path}");
        let packed = packed.bytes().await.unwrap();
        assert!(packed.starts_with(&[0x1f, 0x8b]), "{path}");
        assert!(
            plain.len() < 1000 || packed.len() * 2 < plain.len(),
            "{path}"
        );
        let known = get().header("if-none-match", etag).send().await.unwrap();
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED, "{path}");
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
