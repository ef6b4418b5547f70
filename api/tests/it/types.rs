//! What clients say about a file, and what of it counts.

use media::Warning;
use media::api_keys::Scope;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::service::Service;

const BOTH: [Scope; 2] = [Scope::UploadsWrite, Scope::FilesRead];

async fn file(service: &Service, key: &str, upload: &Value) -> Value {
    let path = format!("/v1/files/{}", upload["file_id"].as_str().unwrap());
    service.get(&path, key).await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn no_type_need_be_declared() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    for (declared, kept) in [
        (None, "application/octet-stream"),
        (Some(Value::Null), "application/octet-stream"),
        (Some(json!("")), "application/octet-stream"),
        (Some(json!("image/jpg; q=1")), "image/jpg; q=1"),
    ] {
        let mut body = json!({ "filename": "a", "size_bytes": 1 });
        if let Some(declared) = &declared {
            body["content_type"] = declared.clone();
        }
        let (status, upload) = service.post("/v1/uploads", &key, &body).await;
        assert_eq!(status, StatusCode::CREATED, "{declared:?}: {upload}");
        let file = file(&service, &key, &upload).await;
        assert_eq!(file["declared_content_type"], kept);
        assert_eq!(
            (&file["metadata"], &file["warnings"]),
            (&json!({}), &json!([]))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_comes_back_as_it_was_given() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    let open = |metadata: Value| {
        let body = json!({ "filename": "a", "size_bytes": 1, "metadata": metadata });
        let (service, key) = (&service, &key);
        async move { service.post("/v1/uploads", key, &body).await }
    };
    let given = json!({ "album": "Häfen 🚢", "empty": "", "a/b~c": "<script>" });
    let (_, upload) = open(given.clone()).await;
    assert_eq!(file(&service, &key, &upload).await["metadata"], given);

    let many: Value = (0..33)
        .map(|n| (n.to_string(), json!("")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    for metadata in [
        many,
        json!({ "a": "x".repeat(1025) }),
        json!({ "a": "é".repeat(1024), "b": "é".repeat(1024), "c": "x" }),
        json!({ "a": 1 }),
        json!({ "a": null }),
        json!({ "a": { "b": "c" } }),
        json!({ "a": "\0" }),
        json!({ "": "a" }),
        json!({ "a b": "a" }),
        json!({ "x".repeat(65): "a" }),
        json!(["a"]),
        json!("a"),
    ] {
        let (status, problem) = open(metadata.clone()).await;
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (422, &json!("invalid_field")),
            "{metadata}"
        );
        let pointer = problem["errors"][0]["pointer"].as_str().unwrap();
        assert!(pointer.starts_with("/metadata"), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn types_that_are_not_taken_and_sizes_of_types_are_told_at_once() {
    let service = Service::start_with(&[
        ("MEDIAMILL_REFUSED_TYPES", "image/gif,video/*"),
        ("MEDIAMILL_MAX_BYTES_OF_TYPES", "image/*=1000,image/png=100"),
    ])
    .await;
    let key = service.key("ann", &BOTH).await;
    for (declared, size, code) in [
        ("image/gif", 1, "unsupported_type"),
        ("IMAGE/X-GIF", 1, "unsupported_type"),
        ("video/mp4", 1, "unsupported_type"),
        ("image/png", 101, "file_too_large"),
        ("image/jpg", 1001, "file_too_large"),
        ("image/png", 100, ""),
        ("image/jpg", 1000, ""),
        // The bytes tell.
        ("application/octet-stream", 10_000, ""),
        ("image/unknown", 10_000, ""),
    ] {
        let body = json!({ "filename": "a", "content_type": declared, "size_bytes": size });
        let (status, answer) = service.post("/v1/uploads", &key, &body).await;
        assert_eq!(
            answer["code"].as_str().unwrap_or_default(),
            code,
            "{declared} {size}"
        );
        match code {
            "unsupported_type" => {
                assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
                let taken = answer["limit"].as_str().unwrap();
                assert!(
                    taken.contains("image/png") && !taken.contains("gif"),
                    "{taken}"
                );
            }
            "file_too_large" => assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE),
            _ => assert_eq!(status, StatusCode::CREATED),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_noted_of_a_file_is_shown() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    let upload = service.initiate(&key, 1).await;
    let id = media::FileId(upload["file_id"].as_str().unwrap().parse().unwrap());
    let mut connection = service.pool.acquire().await.unwrap();
    for _ in 0..2 {
        let noted = [Warning::ContentTypeDiffers];
        media::files::warn(&mut connection, id, &noted)
            .await
            .unwrap();
        let file = file(&service, &key, &upload).await;
        assert_eq!(file["warnings"], json!(["content_type_differs"]));
    }
}
