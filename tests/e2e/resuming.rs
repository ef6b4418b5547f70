//! Uploads by the command line that are interrupted, go on, or cannot.

use std::{
    path::Path,
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tokio::process::Command;

use crate::{
    fixtures::large_photo,
    process::{Process, mediamill},
    stack::Stack,
};

fn upload(stack: &Stack, api: &str, args: &[&str], file: &Path) -> Command {
    let mut command = mediamill(&[&["upload", "--api", api][..], args].concat());
    command
        .env("MEDIAMILL_KEY", &stack.key)
        .env("XDG_STATE_HOME", stack.folder.path().join("state"))
        .arg(file);
    command
}

async fn said(mut command: Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

async fn count(stack: &Stack, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(&stack.pool)
        .await
        .unwrap()
}

const UPLOADS: &str = "SELECT count(*) FROM uploads";

#[tokio::test]
async fn an_interrupted_upload_goes_on_where_it_stopped() {
    let stack = Stack::new().await;
    let _worker = stack.worker().await;
    let photo = stack.file("large.jpg", &large_photo(3000, 2500));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = listener.local_addr().unwrap().to_string();
    drop(listener);

    // The addresses lead nowhere, so that it is on its way when Ctrl-C comes.
    let nowhere = [
        ("MEDIAMILL_LISTEN", &*listen),
        ("MEDIAMILL_S3_PUBLIC_ENDPOINT", "http://127.0.0.1:9"),
    ];
    let api = stack.api_with(&nowhere).await;
    let mut command = upload(&stack, &api.ready, &[], &photo);
    command.stderr(Stdio::piped()).stdout(Stdio::piped());
    let child = command.spawn().unwrap();
    stack.until("SELECT count(*) = 1 FROM uploads").await;
    let state = stack.folder.path().join("state/mediamill/uploads");
    while std::fs::read_dir(&state).map_or(0, Iterator::count) == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let pid = Pid::from_raw(child.id().unwrap().cast_signed());
    kill(pid, Signal::SIGINT).unwrap();
    let output = child.wait_with_output().await.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert!(
        told.contains("goes on where it stopped when the same command is run again"),
        "{told}"
    );
    api.signal(Signal::SIGTERM);
    api.end().await;

    let api = stack.api_with(&nowhere[..1]).await;
    let (code, out, told) = said(upload(&stack, &api.ready, &["--wait", "--json"], &photo)).await;
    assert_eq!(code, Some(0), "{out}{told}");
    assert!(
        told.contains("large.jpg: goes on where it stopped"),
        "{told}"
    );
    let outcome: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(outcome["file"]["status"], "READY");
    let declared = "SELECT count(*) FROM uploads WHERE declared_sha256 IS NOT NULL";
    assert_eq!(
        (count(&stack, UPLOADS).await, count(&stack, declared).await),
        (1, 1)
    );
    assert_eq!(
        std::fs::read_dir(&state).unwrap().count(),
        0,
        "nothing is left to go on with"
    );
}

#[tokio::test]
async fn a_file_that_changes_on_its_way_is_not_sent() {
    let stack = Stack::new().await;
    let elsewhere = stack
        .api_with(&[("MEDIAMILL_S3_PUBLIC_ENDPOINT", "http://127.0.0.1:9")])
        .await;
    let photo = stack.file("large.jpg", &large_photo(3000, 2500));
    let mut command = upload(&stack, &elsewhere.ready, &[], &photo);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    stack.until("SELECT count(*) = 1 FROM uploads").await;
    std::fs::write(&photo, b"something else").unwrap();
    let output = child.wait_with_output().await.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("the file changed while it was sent; its upload is aborted"),
        "{told}"
    );
    stack
        .until("SELECT count(*) = 0 FROM uploads WHERE aborted_at IS NULL")
        .await;
}

#[tokio::test]
async fn what_cannot_work_says_so_within_seconds() {
    let stack = Stack::new().await;
    let api = stack.api().await;
    let photo = stack.file("photo.jpg", b"never sent");
    let nobody = "http://127.0.0.1:9";
    let (_, s3) = (&api, stack.s3_url("")); // The object store is no mediamill.
    for (api, args, code, words) in [
        (nobody, &[][..], 6, "Connection refused"),
        (&s3, &[], 6, "does not seem to be a mediamill API"),
        (
            "localhost:8080",
            &[],
            1,
            "does not begin with http:// or https://",
        ),
        (&api.ready, &["--key", "mm_wrong"], 5, "unauthenticated"),
    ] {
        let began = Instant::now();
        let (found, _, told) = said(upload(&stack, api, args, &photo)).await;
        assert_eq!(found, Some(code), "{api}: {told}");
        assert!(told.contains(words), "{api}: {told}");
        assert!(
            began.elapsed() < Duration::from_secs(8),
            "{api}: {:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn a_wait_that_was_given_up_goes_on_with_the_file_that_was_sent() {
    let stack = Stack::new().await;
    let api = stack.api().await;
    let photo = stack.file("photo.jpg", &crate::fixtures::phone_photo(64, 64));
    let state = stack.folder.path().join("state/mediamill/uploads");
    let kept = || std::fs::read_dir(&state).unwrap().count();
    let wait = ["--wait", "--json", "--timeout"];
    let (code, _, told) = said(upload(
        &stack,
        &api.ready,
        &[&wait[..], &["3s"]].concat(),
        &photo,
    ))
    .await;
    assert_eq!((code, kept()), (Some(4), 1), "{told}");

    let _worker = stack.worker().await;
    let (code, out, told) = said(upload(
        &stack,
        &api.ready,
        &[&wait[..], &["60s"]].concat(),
        &photo,
    ))
    .await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("was sent before"), "{told}");
    let outcome: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(outcome["file"]["status"], "READY");
    assert_eq!((count(&stack, UPLOADS).await, kept()), (1, 0));
    // What has come to its end is sent anew.
    let again = upload(&stack, &api.ready, &["--wait"], &photo);
    assert_eq!(said(again).await.0, Some(0));
    assert_eq!((count(&stack, UPLOADS).await, kept()), (2, 0));
}

#[tokio::test]
async fn a_wait_that_takes_too_long_ends_and_is_not_silent() {
    let stack = Stack::new().await;
    let api: Process = stack.api().await;
    let photo = stack.file("photo.jpg", &crate::fixtures::phone_photo(64, 64));
    let (code, _, told) = said(upload(
        &stack,
        &api.ready,
        &["--wait", "--timeout", "12s"],
        &photo,
    ))
    .await;
    assert_eq!(code, Some(4), "{told}");
    assert!(
        told.contains("0 of 1 files, 100 % sent, 1 ASSEMBLING"),
        "{told}"
    );
}
