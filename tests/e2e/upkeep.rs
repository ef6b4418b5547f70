//! What time does to uploads. The clock is turned by turning back what the database knows.

use media::{UploadId, keys};
use reqwest::Method;
use storage::Bucket;

use crate::{
    ends::{call, id, initiate, put},
    fixtures::{large_photo, phone_photo},
    stack::Stack,
};

/// Lets upkeep come round now, and waits for a round that began after this.
async fn upkeep(stack: &Stack) {
    let due = "UPDATE workflows.schedules SET next_at = now() WHERE name = 'upkeep'";
    stack
        .until("SELECT EXISTS (SELECT FROM workflows.schedules WHERE name = 'upkeep')")
        .await;
    let rounds =
        "SELECT count(*) FROM workflows.runs WHERE workflow = 'upkeep' AND state = 'succeeded'";
    let before: i64 = sqlx::query_scalar(rounds)
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    sqlx::query(due).execute(&stack.pool).await.unwrap();
    stack.until(&format!("SELECT ({rounds}) > {before}")).await;
}

/// The upload's time was over so long ago.
async fn turn_back(stack: &Stack, upload_id: uuid::Uuid, ago: &str) {
    let sql = "UPDATE uploads SET expires_at = now() - $2::interval WHERE upload_id = $1";
    let turned = sqlx::query(sql).bind(upload_id).bind(ago);
    turned.execute(&stack.pool).await.unwrap();
}

#[tokio::test]
async fn uploads_that_are_not_finished_end_and_those_that_may_be_stay() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let photo = phone_photo(300, 200);
    let (late, open) = (
        initiate(&stack, &api, &photo).await,
        initiate(&stack, &api, &photo).await,
    );
    let parts = initiate(&stack, &api, &large_photo(3000, 2600)).await;
    for upload in [&late, &open] {
        assert_eq!(put(upload, &photo).await, 200);
    }
    for upload in [&late, &parts] {
        turn_back(&stack, id(upload, "upload_id"), "1 second").await;
    }
    upkeep(&stack).await;
    for upload in [&late, &parts] {
        let path = format!("/v1/files/{}", id(upload, "file_id"));
        let (_, file) = call(&stack, &api, Method::GET, &path).await;
        assert_eq!(file["rejection"]["code"], "upload_expired", "{file}");
        assert_eq!(file["final"], true);
        let path = format!("/v1/uploads/{}/complete", id(upload, "upload_id"));
        let (status, problem) = call(&stack, &api, Method::POST, &path).await;
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (410, &"upload_expired".into())
        );
    }
    stack
        .until("SELECT count(*) = 2 FROM media_files WHERE discarded_at IS NOT NULL")
        .await;
    let staging = |upload| keys::staging(UploadId(id(upload, "upload_id")));
    let there = async |upload| {
        let key = staging(upload);
        let head = stack.store.head(Bucket::Staging, &key).await;
        head.unwrap().is_some()
    };
    assert!(!there(&late).await);
    assert!(there(&open).await, "its client may still complete it");
    let multipart: String =
        sqlx::query_scalar("SELECT s3_upload_id FROM uploads WHERE part_count > 1")
            .fetch_one(&stack.pool)
            .await
            .unwrap();
    let listed = stack.store.list_parts(&staging(&parts), &multipart).await;
    assert!(listed.is_err(), "the multipart upload is aborted");
    let path = format!("/v1/uploads/{}/complete", id(&open, "upload_id"));
    assert_eq!(call(&stack, &api, Method::POST, &path).await.0, 202);
}

#[tokio::test]
async fn what_arrives_when_all_is_over_is_swept_away() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let photo = phone_photo(300, 200);
    let upload = initiate(&stack, &api, &photo).await;
    assert_eq!(put(&upload, &photo).await, 200);
    let upload_id = id(&upload, "upload_id");
    let path = format!("/v1/uploads/{upload_id}/complete");
    assert_eq!(call(&stack, &api, Method::POST, &path).await.0, 202);
    stack
        .until("SELECT discarded_at IS NOT NULL FROM media_files WHERE status = 'READY'")
        .await;
    for ago in ["1 second", "2 hours"] {
        assert_eq!(put(&upload, &photo).await, 200, "the address still works");
        turn_back(&stack, upload_id, ago).await;
        upkeep(&stack).await;
        let key = keys::staging(UploadId(upload_id));
        let left = stack.store.head(Bucket::Staging, &key).await.unwrap();
        assert_eq!(left, None, "{ago} after its time");
    }
    // Nothing can come any more, so a file that its owner deletes can be forgotten.
    let path = format!("/v1/files/{}", id(&upload, "file_id"));
    assert_eq!(call(&stack, &api, Method::DELETE, &path).await.0, 204);
    stack
        .until("SELECT discarded_at IS NOT NULL FROM media_files")
        .await;
    upkeep(&stack).await;
    stack.until("SELECT count(*) = 0 FROM uploads").await;
}
