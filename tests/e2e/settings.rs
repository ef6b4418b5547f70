//! Settings and command lines that cannot be used: each is refused in a sentence that names it.

use std::{
    ffi::OsStr,
    fs::OpenOptions,
    os::unix::ffi::OsStrExt,
    process::{Output, Stdio},
};

use crate::{process::mediamill, stack::Stack};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_setting_that_cannot_be_used_is_named_at_the_start() {
    let stack = Stack::new().await;
    for (command, name, value, words) in [
        (
            "api",
            "MEDIAMILL_CDN_BASE_URL",
            &b"http://\xff"[..],
            "is not UTF-8",
        ),
        (
            "worker",
            "MEDIAMILL_SCRATCH_DIR",
            b"/tmp/\xff",
            "is not UTF-8",
        ),
        ("api", "RUST_LOG", b"api=loud", "cannot be read"),
        ("worker", "RUST_LOG", b"\xff", "is not UTF-8"),
        ("migrate", "MEDIAMILL_LOG", b"jsno", "must be json"),
        (
            "api",
            "MEDIAMILL_S3_ENDPOINT",
            b"http://127.0.0.1:9/minio",
            "must have no path",
        ),
        ("api", "MEDIAMILL_DATABASE_URL", b"", "is missing"),
    ] {
        let mut process = stack.command(&[command]).await;
        let output = process.env(name, OsStr::from_bytes(value)).output();
        let output = output.await.unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{command} {name}: {said}");
        assert!(said.contains(&format!("{name} {words}")), "{name}: {said}");
        assert!(output.stdout.is_empty(), "{command} said that it is ready");
    }
}

#[tokio::test]
async fn a_setting_that_is_empty_counts_as_unset() {
    let stack = Stack::new().await;
    let empty = [
        ("RUST_LOG", ""),
        ("MEDIAMILL_LOG", ""),
        ("MEDIAMILL_REQUEST_SECONDS", ""),
        ("MEDIAMILL_METRICS_LISTEN", ""),
    ];
    let api = stack.api_with(&empty).await;
    assert!(api.ready.starts_with("http://"), "{}", api.ready);
    reqwest::get(format!("{}/v1/nothing", api.ready))
        .await
        .unwrap();
    assert!(stack.logs().contains("request answered"), "as by default");

    let mut upload = mediamill(&["upload", "--key", "mm_none"]);
    upload.env("MEDIAMILL_API", "");
    let output = upload.arg(stack.file("a.jpg", b"a")).output();
    let said = said(&output.await.unwrap());
    assert!(said.contains("http://127.0.0.1:8080"), "{said}");
}

#[tokio::test]
async fn an_error_of_the_database_names_the_setting() {
    let stack = Stack::new().await;
    let url = stack.database_url();
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = base.rsplit_once('/').expect("a database's name");
    let mut command = stack.command(&["api"]).await;
    command.env("MEDIAMILL_DATABASE_URL", format!("{server}/nosuch?{query}"));
    let said = said(&command.output().await.unwrap());
    assert!(said.contains("MEDIAMILL_DATABASE_URL"), "{said}");
    assert!(
        said.contains("database \"nosuch\" does not exist"),
        "{said}"
    );
    assert!(!said.contains(" at line "), "{said}");
}

#[tokio::test]
async fn a_list_of_what_does_not_exist_says_so() {
    let stack = Stack::new().await;
    let _worker = stack.worker().await;
    stack
        .until("SELECT EXISTS (SELECT FROM workflows.lanes WHERE step = 'scan')")
        .await;
    for (command, words) in [
        (
            "runs list --workflow injest",
            "no workflow is called injest; there are discard, ingest, replan, upkeep",
        ),
        (
            "dead-letters list --step scam",
            "no step is called scam; there are assemble,",
        ),
        (
            "dead-letters summary --workflow x",
            "no workflow is called x",
        ),
        (
            "dead-letters redrive --all --dry-run --step scam",
            "no step is called scam",
        ),
        ("dead-letters list --step scan", ""),
        ("runs list --owner nobody --workflow ingest", ""),
    ] {
        let output = stack.run(command).await;
        let said = said(&output);
        assert!(output.status.success(), "{command}: {said}");
        assert!(said.contains(words), "{command}: {said}");
        assert_eq!(said.is_empty(), words.is_empty(), "{command}: {said}");
    }
}

#[tokio::test]
async fn a_key_that_would_be_dead_at_once_is_not_made() {
    let stack = Stack::new().await;
    let create = "keys create --owner a --scope files:read --expires-in";
    let output = stack.run(&format!("{create} 0s")).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("a key has to live for a while"));
    assert!(stack.run(&format!("{create} 1s")).await.status.success());
}

#[tokio::test]
async fn help_that_nobody_gets_is_a_failure() {
    for args in [&["--help"][..], &["worker", "--help"], &["--version"]] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = mediamill(args);
        let child = command.stdout(full).stderr(Stdio::piped()).spawn();
        let output = child.unwrap().wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(said(&output).contains("No space left"), "{args:?}");
        let output = mediamill(args).output().await.unwrap();
        assert!(output.status.success() && !output.stdout.is_empty());
    }
    let output = mediamill(&["runs", "lits"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("lits"), "{}", said(&output));
}
