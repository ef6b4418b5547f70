//! Settings that are wrong: nothing is ready with them, and no file pays for them.

use media::{UploadId, keys};
use reqwest::Method;
use storage::Bucket;

use crate::{
    ends::{call, id, initiate, put},
    fixtures::phone_photo,
    stack::Stack,
};

#[tokio::test]
async fn neither_api_nor_worker_starts_on_wrong_buckets_or_keys() {
    let stack = Stack::new().await;
    for (setting, value, said) in [
        (
            "MEDIAMILL_STAGING_BUCKET",
            "stagin",
            "stagin (MEDIAMILL_STAGING_BUCKET): there is no such bucket",
        ),
        (
            "MEDIAMILL_ORIGIN_BUCKET",
            "orgin",
            "orgin (MEDIAMILL_ORIGIN_BUCKET): there is no such bucket",
        ),
        (
            "MEDIAMILL_S3_SECRET_ACCESS_KEY",
            "wrong",
            "MEDIAMILL_S3_SECRET_ACCESS_KEY",
        ),
    ] {
        for command in ["api", "worker"] {
            let mut process = stack.command(&[command]).await;
            let output = process.env(setting, value).output().await.unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{command}: {errors}");
            assert!(errors.contains(said), "{command}: {errors}");
            assert!(output.stdout.is_empty(), "{command} said that it is ready");
        }
    }
}

/// The bucket is there, and it is another one's.
#[tokio::test]
async fn a_file_that_is_looked_for_in_the_wrong_place_is_not_refused() {
    let stack = Stack::new().await;
    stack.make_bucket("elsewhere").await;
    let api = stack.api().await;
    let astray = [("MEDIAMILL_STAGING_BUCKET", "elsewhere")];
    // Nobody has a bucket on record, as before there was such a record.
    forget_buckets(&stack).await;
    let worker = stack.worker_with(&astray).await;
    let photo = phone_photo(300, 200);
    let upload = initiate(&stack, &api, &photo).await;
    assert_eq!(put(&upload, &photo).await, 200);
    let upload_id = id(&upload, "upload_id");
    let path = format!("/v1/uploads/{upload_id}/complete");
    assert_eq!(call(&stack, &api, Method::POST, &path).await.0, 202);
    stack
        .until("SELECT EXISTS (SELECT FROM workflows.attempts WHERE outcome <> 'done')")
        .await;
    worker.kill_9().await;
    let path = format!("/v1/files/{}", id(&upload, "file_id"));
    let (_, file) = call(&stack, &api, Method::GET, &path).await;
    assert_eq!(
        (&file["outcome"], &file["final"]),
        (&"none".into(), &false.into())
    );
    let key = keys::staging(UploadId(upload_id));
    let sent = stack.store.head(Bucket::Staging, &key).await.unwrap();
    assert!(sent.is_some(), "nothing was removed");

    forget_buckets(&stack).await;
    let _worker = stack.worker().await;
    let limit = std::time::Duration::from_mins(3);
    let ready = "SELECT status = 'READY' FROM media_files";
    stack.until_within(limit, ready).await;
}

#[tokio::test]
async fn a_process_with_another_bucket_than_the_others_does_not_start() {
    let stack = Stack::new().await;
    stack.make_bucket("elsewhere").await;
    let _api = stack.api().await;
    let mut process = stack.command(&["worker"]).await;
    let process = process.env("MEDIAMILL_STAGING_BUCKET", "elsewhere");
    let output = process.output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    let said = "MEDIAMILL_STAGING_BUCKET is elsewhere, and the files of this database are in";
    assert!(errors.contains(said), "{errors}");
    let moved = stack.run("migrate --buckets-moved").await;
    assert!(moved.status.success(), "{moved:?}");
    let recorded = "SELECT count(*) FROM storage_buckets";
    let recorded: i64 = sqlx::query_scalar(recorded)
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    assert_eq!(recorded, 0);
}

async fn forget_buckets(stack: &Stack) {
    let forgotten = sqlx::query("DELETE FROM storage_buckets");
    forgotten.execute(&stack.pool).await.unwrap();
}

#[tokio::test]
async fn the_doctor_uses_everything_and_names_what_must_be_mended() {
    let stack = Stack::new().await;
    let mut command = stack.command(&["doctor"]).await;
    command.env("MEDIAMILL_IMAGE_AVIF", "true");
    let well = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&well.stdout);
    assert!(well.status.success(), "{said}");
    for what in [
        "database", "buckets", "scanner", "pictures", "office", "ffmpeg", "films", "avif",
    ] {
        assert!(said.contains(&format!("ok      {what}")), "{what}: {said}");
    }
    let mut command = stack.command(&["doctor"]).await;
    command.env("MEDIAMILL_CLAMD", "unix:/nowhere/clamd.ctl");
    let ill = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&ill.stdout);
    assert_eq!(ill.status.code(), Some(1), "{said}");
    assert!(said.contains("FAILED  scanner"), "{said}");
    assert!(said.contains("ok      films"), "{said}");
    assert!(
        said.contains("ok      avif      is not asked for"),
        "{said}"
    );
}

#[tokio::test]
async fn why_a_file_has_no_run_is_told() {
    let stack = Stack::new().await;
    let api = stack.api().await;
    let request = serde_json::json!({
        "filename": "photo.jpg", "content_type": "image/jpeg", "size_bytes": 10,
    });
    let opened = reqwest::Client::new()
        .post(format!("{}/v1/uploads", api.ready))
        .bearer_auth(&stack.key)
        .json(&request);
    let opened = opened.send().await.unwrap();
    let opened: serde_json::Value = opened.json().await.unwrap();
    let file_id = opened["file_id"].as_str().unwrap();
    let told = async |id: &str| {
        let output = stack.run(&format!("runs explain {id}")).await;
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let pending = told(file_id).await;
    assert!(pending.contains("its upload is not complete"), "{pending}");
    let deleted = reqwest::Client::new()
        .delete(format!("{}/v1/files/{file_id}", api.ready))
        .bearer_auth(&stack.key);
    assert_eq!(deleted.send().await.unwrap().status(), 204);
    let gone = told(file_id).await;
    assert!(gone.contains("was deleted"), "{gone}");
    let unknown = told("0193a000-0000-7000-8000-000000000000").await;
    assert!(
        unknown.contains("there is no run, file or upload"),
        "{unknown}"
    );
    let nonsense = told("film.mp4").await;
    assert!(nonsense.contains("is a UUID, such as"), "{nonsense}");
}
