//! What owners have and may have.

use media::api_keys::Scope;
use media::files::{self, FileStatus, Stopped};
use media::{FileId, Rejection, RejectionCode};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::service::Service;

const BOTH: [Scope; 2] = [Scope::UploadsWrite, Scope::FilesRead];

/// Files and bytes, as the account has them; held against the files themselves.
async fn used(service: &Service, key: &str) -> (u64, u64) {
    let (_, account) = service.get("/v1/account", key).await;
    let number = |name: &str| account[name]["used"].as_u64().unwrap();
    let used = (number("files"), number("bytes"));
    let counted: (i64, i64) = sqlx::query_as(
        "SELECT count(*), coalesce(sum(declared_size_bytes), 0)::bigint
         FROM media_files AS file JOIN uploads USING (upload_id)
         WHERE file.owner_id = $1 AND deleted_at IS NULL AND status <> 'REJECTED'
           AND stopped IS DISTINCT FROM 'cancelled'",
    )
    .bind(account["owner"].as_str())
    .fetch_one(&service.pool)
    .await
    .unwrap();
    assert_eq!(used, (counted.0.unsigned_abs(), counted.1.unsigned_abs()));
    used
}

async fn open(service: &Service, key: &str, size: u64) -> (StatusCode, Value) {
    let body = json!({ "filename": "a", "size_bytes": size });
    service.post("/v1/uploads", key, &body).await
}

fn file_id(upload: &Value) -> FileId {
    FileId(upload["file_id"].as_str().unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_and_files_are_reserved_and_given_back() {
    let service = Service::start_with(&[("MEDIAMILL_MAX_OWNER_BYTES", "100")]).await;
    let key = service.key("ann", &BOTH).await;
    let (_, account) = service.get("/v1/account", &key).await;
    assert_eq!(account["bytes"], json!({ "used": 0, "limit": 100 }));
    assert_eq!(account["open_uploads"], json!({ "used": 0, "limit": 1000 }));

    let (_, upload) = open(&service, &key, 60).await;
    assert_eq!(used(&service, &key).await, (1, 60));
    let (status, problem) = open(&service, &key, 41).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(problem["code"], "quota_exceeded");
    let stands = json!({ "resource": "bytes", "limit": 100, "used": 60, "asked": 41 });
    assert_eq!(problem["quota"], stands);
    assert_eq!(
        used(&service, &key).await,
        (1, 60),
        "a refusal reserves nothing"
    );

    // Given up.
    let path = format!("/v1/uploads/{}", upload["upload_id"].as_str().unwrap());
    service.delete(&path, &key).await;
    service.delete(&path, &key).await;
    assert_eq!(used(&service, &key).await, (0, 0));

    // Completed, refused by a worker, sent through again, cancelled.
    let (_, upload) = open(&service, &key, 5).await;
    service.send(&upload["upload"], b"hello".to_vec()).await;
    let path = format!(
        "/v1/uploads/{}/complete",
        upload["upload_id"].as_str().unwrap()
    );
    let (status, _) = service.post(&path, &key, &Value::Null).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(used(&service, &key).await, (1, 5));
    let id = file_id(&upload);
    let mut connection = service.pool.acquire().await.unwrap();
    let rejection = Rejection::new(RejectionCode::Malformed, "unreadable").at("probe");
    for _ in 0..2 {
        files::mark_rejected(&mut connection, id, &rejection)
            .await
            .unwrap();
        assert_eq!(used(&service, &key).await, (0, 0));
    }
    files::revive(&mut connection, id, Some(FileStatus::Assembling))
        .await
        .unwrap();
    assert_eq!(used(&service, &key).await, (1, 5));
    files::mark_stopped(&mut connection, id, Stopped::Failed)
        .await
        .unwrap();
    assert_eq!(used(&service, &key).await, (1, 5), "somebody has to decide");
    files::mark_stopped(&mut connection, id, Stopped::Cancelled)
        .await
        .unwrap();
    assert_eq!(used(&service, &key).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_counted_for_each_owner() {
    let service = Service::start_with(&[("MEDIAMILL_MAX_OWNER_FILES", "3")]).await;
    let key = service.key("ann", &BOTH).await;
    let bob = service.key("bob", &BOTH).await;
    for _ in 0..3 {
        assert_eq!(open(&service, &key, 1).await.0, StatusCode::CREATED);
    }
    let (_, problem) = open(&service, &key, 1).await;
    let stands = json!({ "resource": "files", "limit": 3, "used": 3, "asked": 1 });
    assert_eq!(problem["quota"], stands);
    assert_eq!(open(&service, &bob, 100).await.0, StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_its_owner_deletes_makes_room() {
    let service = Service::start_with(&[("MEDIAMILL_MAX_OWNER_FILES", "1")]).await;
    let key = service.key("ann", &BOTH).await;
    let (_, upload) = open(&service, &key, 7).await;
    let path = format!("/v1/files/{}", file_id(&upload));
    let upload_path = format!("/v1/uploads/{}", upload["upload_id"].as_str().unwrap());
    let (status, answer) = service.delete(&path, &key).await;
    if status == StatusCode::CONFLICT {
        // An open upload is given up first.
        service.delete(&upload_path, &key).await;
        let (status, answer) = service.delete(&path, &key).await;
        assert!(status.is_success(), "{answer}");
    } else {
        assert!(status.is_success(), "{answer}");
    }
    assert_eq!(used(&service, &key).await, (0, 0));
    assert_eq!(open(&service, &key, 7).await.0, StatusCode::CREATED);
    // Its rows go later, and give nothing back twice.
    sqlx::query("DELETE FROM media_files WHERE file_id = $1")
        .bind(file_id(&upload).0)
        .execute(&service.pool)
        .await
        .unwrap();
    assert_eq!(used(&service, &key).await, (1, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_set_what_an_owner_may_have() {
    let service = Service::start().await;
    let (key, admin) = (
        service.key("ann", &BOTH).await,
        service.key("root", &[Scope::Admin]).await,
    );
    let set = |quota: Value| {
        let body = json!({ "quota": quota, "reason": "they pay" });
        let (service, admin) = (&service, &admin);
        async move {
            service
                .post("/v1/admin/owners/ann/quota", admin, &body)
                .await
        }
    };
    assert_eq!(open(&service, &key, 50).await.0, StatusCode::CREATED);
    let (_, owner) = set(json!({ "max_bytes": 60, "max_open_uploads": 2 })).await;
    let shown = json!({
        "owner": "ann", "files": 1, "bytes": 50, "quota": { "max_bytes": 60, "max_open_uploads": 2 },
    });
    assert_eq!(owner, shown);
    assert_eq!(service.get("/v1/admin/owners/ann", &admin).await.1, shown);
    let (_, listed) = service.get("/v1/admin/owners", &admin).await;
    assert_eq!(listed["items"], json!([shown]));

    assert_eq!(open(&service, &key, 11).await.1["code"], "quota_exceeded");
    assert_eq!(open(&service, &key, 10).await.0, StatusCode::CREATED);
    assert_eq!(open(&service, &key, 0).await.1["code"], "file_empty");
    assert_eq!(
        open(&service, &key, 1).await.1["code"],
        "too_many_open_uploads"
    );
    // Less than there is: nothing is taken away.
    set(json!({ "max_files": 0 })).await;
    assert_eq!(open(&service, &key, 1).await.1["code"], "quota_exceeded");
    assert_eq!(used(&service, &key).await, (2, 60));
    set(json!({})).await;
    assert_eq!(open(&service, &key, 1).await.0, StatusCode::CREATED);

    let (_, audit) = service.get("/v1/admin/audit?target=ann", &admin).await;
    assert_eq!(audit["items"][2]["action"], "owner.quota", "{audit}");
    assert_eq!(audit["items"][2]["details"]["max_bytes"], 60);
    for quota in [
        json!({ "max_bytes": -1 }),
        json!({ "max_bytes": 1.5 }),
        json!({ "max_files": 9_007_199_254_740_992_u64 }),
        json!({ "max_open_uploads": 1_000_001 }),
        json!({ "bytes": 1 }),
        json!(null),
    ] {
        let (status, problem) = set(quota.clone()).await;
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (422, &json!("invalid_field")),
            "{quota}"
        );
    }
    let (status, _) = service.get("/v1/admin/owners/a%20b", &admin).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_that_becomes_known_later_counts_then_and_lost_counts_stop_nobody() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    let (_, upload) = open(&service, &key, 7).await;
    sqlx::query("UPDATE uploads SET declared_size_bytes = 70")
        .execute(&service.pool)
        .await
        .unwrap();
    assert_eq!(used(&service, &key).await, (1, 70));
    sqlx::query("DELETE FROM owners")
        .execute(&service.pool)
        .await
        .unwrap();
    let path = format!("/v1/uploads/{}", upload["upload_id"].as_str().unwrap());
    assert_eq!(service.delete(&path, &key).await.0, StatusCode::NO_CONTENT);
    assert_eq!(used(&service, &key).await, (0, 0));
}
