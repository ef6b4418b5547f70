//! What commands write, and what becomes of them when nobody takes it.

use std::{fs::OpenOptions, os::unix::ffi::OsStrExt, process::Stdio};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{fixtures::phone_photo, process::mediamill, stack::Stack};

#[tokio::test]
async fn a_reader_that_has_gone_ends_a_command_without_a_word() {
    let stack = Stack::new().await;
    for command in ["keys list --ended", "audit list", "workflows check"] {
        let args: Vec<&str> = command.split(' ').collect();
        let mut command = stack.command(&args).await;
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*said), (Some(141), ""), "{args:?}");
    }
}

#[tokio::test]
async fn a_full_disk_ends_a_command_in_a_sentence() {
    let stack = Stack::new().await;
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    for args in [&["runs", "list"][..], &["runs", "list", "--json"]] {
        let mut command = stack.command(args).await;
        let child = command.stdout(full()).stderr(Stdio::piped()).spawn();
        let output = child.unwrap().wait_with_output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let sentence = "mediamill: cannot write to standard output: No space left on device";
        assert!(
            said.starts_with(sentence) && said.lines().count() == 1,
            "{said}"
        );
        assert_eq!(output.status.code(), Some(1));
    }
    // Where errors cannot be told, the exit code tells.
    let nobody = ["runs", "show", "0193a000-0000-7000-8000-000000000000"];
    let mut child = stack.command(&nobody).await.stderr(full()).spawn().unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(1));
}

#[tokio::test]
async fn a_service_works_on_with_a_full_log_and_without_a_reader() {
    let stack = Stack::new().await;
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = stack.command(&["api"]).await;
    command.env("RUST_LOG", "trace");
    let mut api = command.stdout(Stdio::piped()).stderr(full).spawn().unwrap();
    let mut lines = BufReader::new(api.stdout.take().unwrap()).lines();
    let ready = lines
        .next_line()
        .await
        .unwrap()
        .expect("it says that it is ready");
    drop(lines);
    let base = ready.split_once("ready: ").unwrap().1;
    let answer = reqwest::get(format!("{base}/v1/livez")).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_name_that_is_not_unicode_is_one_file_among_others() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let photo = phone_photo(64, 64);
    let odd = stack
        .folder
        .path()
        .join(std::ffi::OsStr::from_bytes(b"caf\xe9.jpg"));
    std::fs::write(&odd, &photo).unwrap();
    let empty = stack
        .folder
        .path()
        .join(std::ffi::OsStr::from_bytes(b"\xff\xfe.jpg"));
    std::fs::write(&empty, b"").unwrap();
    let mut command = mediamill(&["upload", "--wait", "--json", "--api", &api.ready]);
    let output = command
        .env("MEDIAMILL_KEY", &stack.key)
        .args([
            &stack.file("one.jpg", &photo),
            &odd,
            &empty,
            &stack.file("two.jpg", &photo),
        ])
        .output()
        .await
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let outcomes: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ready = outcomes
        .iter()
        .filter(|outcome| outcome["file"]["status"] == "READY");
    assert_eq!((outcomes.len(), ready.count()), (4, 3), "{lines}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn logs_in_files_have_no_colours_and_no_span_twice() {
    let stack = Stack::new().await;
    let api = stack.api_with(&[("MEDIAMILL_LISTN", "1")]).await;
    reqwest::get(format!("{}/v1/nothing", api.ready))
        .await
        .unwrap();
    let logs = stack.logs();
    assert!(
        logs.contains("request answered") && !logs.contains('\x1b'),
        "{logs}"
    );
    let hint = "there is no setting MEDIAMILL_LISTN; did you mean MEDIAMILL_LISTEN?";
    assert!(logs.contains(hint), "{logs}");
    drop(api);

    let log = stack.folder.path().join("api.log");
    std::fs::remove_file(&log).unwrap();
    let api = stack.api_with(&[("MEDIAMILL_LOG", "json")]).await;
    reqwest::get(format!("{}/v1/nothing", api.ready))
        .await
        .unwrap();
    let log = std::fs::read_to_string(&log).unwrap();
    let line = log
        .lines()
        .find(|line| line.contains("request answered"))
        .expect("a line");
    let line: Value = serde_json::from_str(line).unwrap();
    assert!(line.get("span").is_none(), "{line}");
    assert_eq!(line["spans"][0]["url.path"], "/v1/nothing", "{line}");
}

#[tokio::test]
async fn a_database_that_refuses_is_told_within_seconds_and_why() {
    let stack = Stack::new().await;
    let began = std::time::Instant::now();
    let mut command = stack.command(&["runs", "list"]).await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    command.env(
        "MEDIAMILL_DATABASE_URL",
        format!("postgres://nobody@{nobody}/nothing"),
    );
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("Connection refused") && said.contains(&nobody.port().to_string()),
        "{said}"
    );
    assert!(began.elapsed().as_secs() < 8, "{:?}", began.elapsed());
}

#[tokio::test]
async fn migrating_says_what_it_did() {
    let stack = Stack::new().await;
    let output = stack.run("migrate").await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.starts_with("nothing to do: the schema is at media 2026"),
        "{said}"
    );
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "no notices");
}

#[tokio::test]
async fn help_lists_the_settings() {
    for (command, setting) in [
        ("api", "MEDIAMILL_ALLOWED_ORIGINS"),
        ("worker", "MEDIAMILL_REQUIRE_SIGNATURES"),
    ] {
        let output = mediamill(&[command, "--help"]).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            said.contains(setting) && said.contains("MEDIAMILL_METRICS_LISTEN"),
            "{said}"
        );
        for of_the_api in ["MEDIAMILL_CDN_BASE_URL", "MEDIAMILL_S3_PUBLIC_ENDPOINT"] {
            assert_eq!(said.contains(of_the_api), command == "api", "{said}");
        }
    }
}
