//! The same request again, later, or at the same time as another; and what is made at reading.

use chrono::{DateTime, Utc};
use media::api_keys::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::service::{self, Service};

const BOTH: [Scope; 2] = [Scope::UploadsWrite, Scope::FilesRead];

async fn initiate(service: &Service, key: &str) -> (StatusCode, Value) {
    let body = json!({"filename": "a.jpg", "content_type": "image/jpeg", "size_bytes": 5});
    let request = service
        .request(Method::POST, "/v1/uploads", key)
        .json(&body);
    service::json(
        request
            .header("idempotency-key", "k1")
            .send()
            .await
            .unwrap(),
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn repeating_an_initiate_whose_upload_is_complete_gives_its_file() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    let (status, upload) = initiate(&service, &key).await;
    assert_eq!(status, StatusCode::CREATED, "{upload}");
    service.send(&upload["upload"], b"hello".to_vec()).await;
    let path = format!("/v1/uploads/{}", upload["upload_id"].as_str().unwrap());
    let (_, completed) = service
        .post(&format!("{path}/complete"), &key, &json!(null))
        .await;
    let file = json!({
        "file_id": upload["file_id"], "upload_id": upload["upload_id"], "status": "ASSEMBLING",
    });
    assert_eq!(completed, file);
    assert_eq!(initiate(&service, &key).await, (StatusCode::OK, file));

    let (status, problem) = service.delete(&path, &key).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["file_id"], upload["file_id"], "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn repeating_an_initiate_whose_upload_was_given_up_names_its_file() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    let (_, upload) = initiate(&service, &key).await;
    let path = format!("/v1/uploads/{}", upload["upload_id"].as_str().unwrap());
    service.delete(&path, &key).await;
    let (status, problem) = initiate(&service, &key).await;
    assert_eq!(
        (status.as_u16(), &problem["code"], &problem["file_id"]),
        (409, &json!("upload_aborted"), &upload["file_id"])
    );
}

/// A repeat that arrives late must not send a file again that its owner has deleted.
#[tokio::test(flavor = "multi_thread")]
async fn repeating_an_initiate_whose_file_was_deleted_opens_nothing() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    for complete in [false, true] {
        sqlx::query("DELETE FROM idempotency_keys")
            .execute(&service.pool)
            .await
            .unwrap();
        let (_, upload) = initiate(&service, &key).await;
        if complete {
            service.send(&upload["upload"], b"hello".to_vec()).await;
            let path = format!("/v1/uploads/{}", upload["upload_id"].as_str().unwrap());
            let path = format!("{path}/complete");
            let (status, _) = service.post(&path, &key, &json!(null)).await;
            assert_eq!(status, StatusCode::ACCEPTED);
        }
        let file = format!("/v1/files/{}", upload["file_id"].as_str().unwrap());
        let (status, _) = service.delete(&file, &key).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        let (status, problem) = initiate(&service, &key).await;
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (410, &json!("file_deleted")),
            "{problem}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_time_is_utc_to_the_millisecond() {
    let service = Service::start().await;
    let key = service.key("ann", &[Scope::Admin]).await;
    let (_, upload) = initiate(&service, &key).await;
    let file = format!("/v1/files/{}", upload["file_id"].as_str().unwrap());
    let (_, file) = service.get(&file, &key).await;
    for time in [
        &upload["expires_at"],
        &upload["upload"]["expires_at"],
        &file["created_at"],
        &file["updated_at"],
    ] {
        let time = time.as_str().unwrap();
        let form: String = time
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(form, "0000-00-00T00:00:00.000Z", "{time}");
    }
}

/// Whoever loses a race is told who won, never that parts are missing which it has sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_race_of_complete_and_abort_has_one_winner_and_says_which() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    for _ in 0..40 {
        let upload = service.initiate(&key, 5).await;
        service.send(&upload["upload"], b"hello".to_vec()).await;
        let path = format!("/v1/uploads/{}", upload["upload_id"].as_str().unwrap());
        let complete = format!("{path}/complete");
        let body = json!(null);
        let (completed, aborted) = tokio::join!(
            service.post(&complete, &key, &body),
            service.delete(&path, &key)
        );
        let told = (completed.0.as_u16(), aborted.0.as_u16());
        assert!(
            [(202, 409), (409, 204)].contains(&told),
            "{completed:?} {aborted:?}"
        );
        if told.0 == 409 {
            assert_eq!(completed.1["code"], "upload_aborted");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_made_of_keys_when_they_are_read() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    let upload = service.initiate(&key, 5).await;
    let file_id: Uuid = upload["file_id"].as_str().unwrap().parse().unwrap();
    sqlx::query(
        "UPDATE media_files SET status = 'READY', mime_type = 'image/jpeg', size_bytes = 5,
             checksum_sha256 = sha256('x'), storage_path = 'originals/x' WHERE file_id = $1",
    )
    .bind(file_id)
    .execute(&service.pool)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO media_variants (file_id, kind, format, width, height, storage_path, size_bytes)
         VALUES ($1, 'full', 'webp', 3, 4, 'media/x/y/1/full.webp', 7)",
    )
    .bind(file_id)
    .execute(&service.pool)
    .await
    .unwrap();
    let (_, file) = service.get(&format!("/v1/files/{file_id}"), &key).await;
    let (_, page) = service.get("/v1/files", &key).await;
    let url = "https://media.example.com/media/x/y/1/full.webp";
    assert_eq!(file["cdn_url"], url, "{file}");
    assert_eq!(file["variants"][0]["url"], url);
    assert_eq!(page["items"][0]["cdn_url"], url);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_expires_when_its_signature_does() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    let signed = &service.initiate(&key, 5).await["upload"];
    let query = |name: &str| {
        let (_, query) = signed["url"].as_str().unwrap().split_once('?').unwrap();
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(n, _)| *n == name).unwrap().1.to_owned()
    };
    let begins = chrono::NaiveDateTime::parse_from_str(&query("X-Amz-Date"), "%Y%m%dT%H%M%SZ");
    let lives: i64 = query("X-Amz-Expires").parse().unwrap();
    let ends = begins.unwrap().and_utc() + chrono::TimeDelta::seconds(lives);
    let told: DateTime<Utc> = signed["expires_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(told, ends);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_name_is_kept_without_what_deceives() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    for (name, kept) in [
        ("evil\u{202E}gpj.exe", Some("evilgpj.exe")),
        ("../../etc/pass\u{200B}wd", Some("passwd")),
        ("می\u{200C}خواهم.jpg", Some("می\u{200C}خواهم.jpg")),
        ("..", None),
        (" ", None),
        ("\u{FEFF}", None),
        ("\u{3164}\u{AD}", None),
        ("\u{E0041}", None),
        ("\u{FFFE}", None),
    ] {
        let body = json!({"filename": name, "content_type": "b/c", "size_bytes": 1});
        let (status, upload) = service.post("/v1/uploads", &key, &body).await;
        let Some(kept) = kept else {
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{upload}");
            assert_eq!(upload["errors"][0]["pointer"], "/filename");
            continue;
        };
        let path = format!("/v1/files/{}", upload["file_id"].as_str().unwrap());
        assert_eq!(service.get(&path, &key).await.1["filename"], kept);
    }
}
