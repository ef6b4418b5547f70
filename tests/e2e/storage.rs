//! `mediamill storage`: whether the object store keeps its promises, and whether it and the database agree.

use std::process::Output;

use bytes::Bytes;
use media::keys;
use serde_json::Value;
use storage::{Bucket, ObjectKey};
use uuid::Uuid;

use crate::{fixtures::phone_photo, process::mediamill, stack::Stack};

/// The JSON lines of a command's output.
fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::new(text).unwrap()
}

async fn put(stack: &Stack, bucket: Bucket, at: &ObjectKey) {
    let bytes = Bytes::from_static(b"left over");
    let put = stack.store.put_bytes(bucket, at, bytes, "text/plain", None);
    put.await.unwrap();
}

async fn is_there(stack: &Stack, bucket: Bucket, at: &ObjectKey) -> bool {
    stack.store.head(bucket, at).await.unwrap().is_some()
}

#[tokio::test]
async fn a_store_that_keeps_its_promises_is_told_from_one_that_is_not_there() {
    let stack = Stack::new().await;
    let output = stack
        .run("storage check --json --origin https://app.example.com")
        .await;
    let findings = lines(&output);
    let outcome = |name: &str| {
        let finding = findings.iter().find(|finding| finding["name"] == name);
        finding.unwrap_or_else(|| panic!("no {name}"))["outcome"].clone()
    };
    assert!(output.status.success(), "{findings:?}");
    for name in [
        "staging_bucket",
        "ranges",
        "copy_precondition",
        "listing",
        "unsigned_headers",
        "signatures",
        "expiry",
        "signed_length",
        "private_buckets",
        "cors",
        "forms",
        "parts_listed",
        "parts_joined",
        "wrong_etag",
        "late_part",
    ] {
        assert_eq!(outcome(name), "holds", "{name}");
    }
    for bucket in [Bucket::Staging, Bucket::Origin] {
        let left = stack.store.list(bucket, None, None, 10).await.unwrap();
        assert_eq!(left, [], "a check leaves nothing");
    }
    let open = stack.store.open_uploads(None).await.unwrap();
    assert_eq!(open, [], "a check leaves no upload");

    let mut command = stack.command(&["storage", "check", "--json"]).await;
    command.env("MEDIAMILL_ORIGIN_BUCKET", "nowhere");
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let findings = lines(&output);
    let unknown = |finding: &&Value| finding["outcome"] == "unknown";
    let unknown: Vec<_> = findings.iter().filter(unknown).collect();
    assert_eq!(unknown[0]["name"], "origin_bucket");
    let detail = unknown[0]["detail"].as_str().unwrap();
    assert!(detail.contains("there is no bucket nowhere"), "{detail}");
}

#[tokio::test]
async fn what_the_store_cannot_set_up_is_said_and_the_rest_is_done() {
    let stack = Stack::new().await;
    let mut command = stack
        .command(&[
            "storage",
            "setup",
            "--json",
            "--origin",
            "https://app.example.com",
        ])
        .await;
    command.env("MEDIAMILL_ORIGIN_BUCKET", "made-by-setup");
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let steps = lines(&output);
    let names: Vec<_> = steps.iter().map(|step| step["name"].clone()).collect();
    assert_eq!(names, ["buckets", "cors", "lifecycle"]);
    assert!(steps[0]["refused"].is_null());
    // The server of tests has its origins by configuration.
    assert!(steps[1]["refused"].as_str().is_some(), "{steps:?}");
    let head = reqwest::Client::new().head(stack.s3_url("made-by-setup"));
    assert_eq!(
        head.send().await.unwrap().status(),
        403,
        "it is there, and not for everybody"
    );
}

/// A photo is READY, and what was sent has gone from staging. Returns the key of one of its variants.
async fn with_a_photo(stack: &Stack) -> ObjectKey {
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let photo = stack.file("photo.jpg", &phone_photo(400, 300));
    let (ready, told) = stack.upload(&api, &photo).await;
    assert!(ready, "{told}");
    stack
        .until("SELECT bool_and(discarded_at IS NOT NULL) FROM media_files")
        .await;
    let variant = "SELECT storage_path FROM media_variants WHERE width = 128";
    let variant: String = sqlx::query_scalar(variant)
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    key(&variant)
}

/// What nobody needs, of each kind.
async fn with_orphans(stack: &Stack) -> [(Bucket, ObjectKey); 4] {
    let nobody = "0".repeat(64);
    let media = format!("media/{nobody}/{nobody}/7/720p/00000.m4s");
    let orphans = [
        (Bucket::Origin, key(&format!("originals/{nobody}"))),
        (Bucket::Origin, key(&media)),
        (Bucket::Staging, keys::staging(Uuid::now_v7().into())),
        (Bucket::Staging, key("checks/of an earlier day")),
    ];
    for (bucket, orphan) in &orphans {
        put(stack, *bucket, orphan).await;
    }
    orphans
}

/// The keys of the differences of a kind, sorted.
fn of_kind<'a>(differences: &'a [Value], kind: &str) -> Vec<&'a str> {
    let of = differences.iter().filter(|line| line["difference"] == kind);
    let mut keys: Vec<_> = of.map(|line| line["key"].as_str().unwrap()).collect();
    keys.sort_unstable();
    keys
}

fn kinds(output: &Output) -> Vec<String> {
    let lines = lines(output);
    let kinds = lines.iter().map(|line| line["difference"].as_str());
    kinds.map(|kind| kind.unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_nobody_needs_is_reported_and_deleted_when_asked() {
    let stack = Stack::new().await;
    with_a_photo(&stack).await;
    let agree = stack.run("storage audit --json --older-than 0s").await;
    assert_eq!(kinds(&agree), [] as [String; 0]);
    assert!(agree.status.success());

    let orphans = with_orphans(&stack).await;
    let foreign = key("reports/2026.csv");
    put(&stack, Bucket::Origin, &foreign).await;
    let upload = keys::staging(Uuid::now_v7().into());
    stack.store.create_multipart(&upload).await.unwrap();
    let young = stack.run("storage audit --json").await;
    assert_eq!(kinds(&young), [] as [String; 0], "it may be on its way");

    let found = stack.run("storage audit --json --older-than 0s").await;
    assert_eq!(found.status.code(), Some(3));
    let found = lines(&found);
    let mut expected: Vec<_> = orphans.iter().map(|(_, key)| key.as_str()).collect();
    expected.sort_unstable();
    assert_eq!(of_kind(&found, "unclaimed"), expected);
    assert_eq!(of_kind(&found, "forgotten_upload"), [upload.as_str()]);
    assert_eq!(of_kind(&found, "foreign"), [foreign.as_str()]);
    for (bucket, orphan) in &orphans {
        assert!(
            is_there(&stack, *bucket, orphan).await,
            "nobody said delete"
        );
    }

    let refused = stack.run("storage audit --delete").await;
    assert_eq!(refused.status.code(), Some(2), "without a reason");
    let delete = "storage audit --json --older-than 0s --delete --reason tidying";
    assert!(stack.run(delete).await.status.success());
    for (bucket, orphan) in &orphans {
        assert!(!is_there(&stack, *bucket, orphan).await, "{orphan}");
    }
    assert_eq!(stack.store.open_uploads(None).await.unwrap(), []);
    let left = stack.run("storage audit --json --older-than 0s").await;
    assert_eq!(kinds(&left), ["foreign"]);
    let audit = stack.run("audit list --json").await;
    let audit = &lines(&audit)[0]["items"][0];
    let expected = (&"storage.delete".into(), &"tidying".into());
    assert_eq!((&audit["action"], &audit["reason"]), expected);
}

#[tokio::test]
async fn what_a_file_needs_and_storage_lacks_is_reported() {
    let stack = Stack::new().await;
    let variant = with_a_photo(&stack).await;
    stack.store.delete(Bucket::Origin, &variant).await.unwrap();
    let found = stack.run("storage audit --json").await;
    assert_eq!(found.status.code(), Some(3));
    let found = lines(&found);
    assert_eq!(of_kind(&found, "missing"), [variant.as_str()]);
    assert_eq!(found.len(), 1, "{found:?}");
    let deleting = stack.run("storage audit --delete --reason tidying").await;
    assert_eq!(deleting.status.code(), Some(3), "it cannot be deleted away");
}

#[tokio::test]
async fn a_database_is_not_compared_with_buckets_of_another() {
    let stack = Stack::new().await;
    let _worker = stack.worker().await;
    stack.make_bucket("other").await;
    let mut command = stack.command(&["storage", "audit"]).await;
    command.env("MEDIAMILL_STAGING_BUCKET", "other");
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("MEDIAMILL_STAGING_BUCKET is other"), "{told}");
    let output = mediamill(&["storage", "audit", "--data-dir", "/nonexistent"]);
    let output = { output }.output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("no `mediamill dev` runs"), "{told}");
}
