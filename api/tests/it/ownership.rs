//! Another owner's things do not exist, on every route that takes an id.

use media::api_keys::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::service::{self, Service};

#[tokio::test(flavor = "multi_thread")]
async fn another_owners_ids_lead_nowhere_and_change_nothing() {
    let service = Service::start().await;
    let ann = service
        .key("ann", &[Scope::UploadsWrite, Scope::FilesRead])
        .await;
    // Even an admin key reaches only its own owner's files.
    let eve = service.key("eve", &[Scope::Admin]).await;
    let upload = service.initiate(&ann, 5).await;
    service.send(&upload["upload"], b"hello".to_vec()).await;

    let document = api::openapi::document_31();
    let mut tried = 0;
    for (template, item) in document["paths"].as_object().unwrap() {
        // Operators see every owner's; nobody else gets in there.
        if !template.contains('{') || template.starts_with("/v1/admin/") {
            continue;
        }
        let path = template
            .replace("{upload_id}", upload["upload_id"].as_str().unwrap())
            .replace("{file_id}", upload["file_id"].as_str().unwrap());
        for (method, operation) in item.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let mut request = service.request(method.clone(), &path, &eve);
            if operation.get("requestBody").is_some() {
                let body = if path.ends_with("/urls") {
                    json!({"part_numbers": [1]})
                } else {
                    json!({"parts": []})
                };
                request = request.json(&body);
            }
            let (status, problem) = service::json(request.send().await.unwrap()).await;
            assert_eq!(
                status,
                StatusCode::NOT_FOUND,
                "{method} {template}: {problem}"
            );
            tried += 1;
        }
    }
    assert_eq!(
        tried, 7,
        "a new route with an id? it belongs into this test by itself"
    );
    assert_eq!(service.get("/v1/files", &eve).await.1["items"], json!([]));

    let file = format!("/v1/files/{}", upload["file_id"].as_str().unwrap());
    assert_eq!(
        service.get(&file, &ann).await.1["status"],
        Value::from("PENDING")
    );
    let complete = format!(
        "/v1/uploads/{}/complete",
        upload["upload_id"].as_str().unwrap()
    );
    let (status, _) = service.post(&complete, &ann, &json!(null)).await;
    assert_eq!(status, StatusCode::ACCEPTED);
}
