//! Lists by pages.

use media::api_keys::Scope;
use reqwest::StatusCode;
use serde_json::Value;

use crate::service::Service;

#[tokio::test(flavor = "multi_thread")]
async fn pages_neither_repeat_nor_skip_while_files_are_added() {
    let service = Service::start().await;
    let key = service
        .key("ann", &[Scope::UploadsWrite, Scope::FilesRead])
        .await;
    let other = service.key("bob", &[Scope::UploadsWrite]).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(service.initiate(&key, 5).await["file_id"].clone());
        service.initiate(&other, 5).await;
    }
    // The same moment for all: the id must break the tie.
    sqlx::query("UPDATE media_files SET created_at = now()")
        .execute(&service.pool)
        .await
        .unwrap();
    made.reverse();

    let first = "/v1/files?limit=2&status=PENDING".to_owned();
    let mut path = first.clone();
    let mut seen: Vec<Value> = Vec::new();
    loop {
        let (status, page) = service.get(&path, &key).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|file| file["file_id"].clone()),
        );
        service.initiate(&key, 5).await;
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("{first}&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
    let (_, page) = service.get("/v1/files?status=READY", &key).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 0);
}
