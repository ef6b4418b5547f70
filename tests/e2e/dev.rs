//! `mediamill dev` as a new user meets it.

use std::{path::Path, time::Duration};

use chrono::{DateTime, Utc};
use nix::sys::signal::Signal;

use crate::{
    fixtures::phone_photo,
    process::{Process, mediamill},
};

/// A page of another development server.
const OTHER_ORIGIN: &str = "http://localhost:5173";

async fn dev(folder: &Path) -> Process {
    let data = folder.join("data");
    let mut command = mediamill(&["dev", "--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(&data);
    command.args(["--allow-origin", OTHER_ORIGIN]);
    command.env("MEDIAMILL_URL_LIFETIME_SECONDS", "120");
    command.env("MEDIAMILL_UPLOAD_LIFETIME_SECONDS", "600");
    Process::start(command, &folder.join("log")).await
}

async fn upload(api: &str, key: &str, file: &Path) -> std::process::Output {
    let mut command = mediamill(&["upload", "--wait", "--api", api, "--key", key]);
    command.arg(file).output().await.unwrap()
}

fn key(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("data/key")).unwrap()
}

/// Every process that works in the data folder or was started from it.
fn processes_of(folder: &Path) -> Vec<String> {
    let mark = folder.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let line = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
        let works_there =
            std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
        if line.contains(&mark) || works_there {
            found.push(format!("{}: {line}", entry.file_name().to_string_lossy()));
        }
    }
    found
}

/// Whether pages of an origin may call the API, and send bytes to the store.
async fn lets_in(api: &str, key: &str, origin: &str) -> bool {
    let http = reqwest::Client::new();
    let body = serde_json::json!({ "filename": "a", "content_type": "b/c", "size_bytes": 1 });
    let opened = http
        .post(format!("{api}/v1/uploads"))
        .bearer_auth(key)
        .json(&body);
    let opened: serde_json::Value = opened.send().await.unwrap().json().await.unwrap();
    let store = opened["upload"]["url"].as_str().unwrap().to_owned();
    assert!(store.contains("X-Amz-Expires=120&"), "{store}");
    let expires: DateTime<Utc> = opened["expires_at"].as_str().unwrap().parse().unwrap();
    let left = (expires - Utc::now()).num_seconds();
    assert!((540..=600).contains(&left), "{left} s to finish an upload");
    let mut allowed = Vec::new();
    for (url, method) in [(format!("{api}/v1/uploads"), "POST"), (store, "PUT")] {
        let preflight = http
            .request(reqwest::Method::OPTIONS, url)
            .header("origin", origin)
            .header("access-control-request-method", method)
            .send()
            .await
            .unwrap();
        let answer = preflight.headers().get("access-control-allow-origin");
        allowed.push(answer.is_some_and(|allowed| allowed == origin));
    }
    allowed.iter().all(|allowed| *allowed)
}

async fn until_none_is_left(folder: &Path) {
    for _ in 0..400 {
        if processes_of(folder).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("left over: {:#?}", processes_of(folder))
}

#[tokio::test]
async fn it_starts_stops_and_starts_again_with_everything_kept() {
    let folder = tempfile::tempdir().unwrap();
    let first = dev(folder.path()).await;
    assert!(
        processes_of(folder.path()).len() >= 3,
        "itself, Postgres and clamd"
    );
    let photo = folder.path().join("photo.jpg");
    std::fs::write(&photo, phone_photo(800, 600)).unwrap();
    let key = key(folder.path());
    assert!(lets_in(&first.ready, &key, OTHER_ORIGIN).await);
    assert!(!lets_in(&first.ready, &key, "http://localhost:5174").await);
    let sent = upload(&first.ready, &key, &photo).await;
    let said = String::from_utf8_lossy(&sent.stdout).into_owned();
    assert!(sent.status.success() && said.contains("READY"), "{said}");
    let url = said
        .split_whitespace()
        .find(|word| word.starts_with("http"))
        .unwrap()
        .to_owned();
    assert_eq!(
        reqwest::get(&url).await.unwrap().status(),
        200,
        "what it prints can be opened"
    );

    first.signal(Signal::SIGTERM);
    assert_eq!(
        first.end().await,
        Some(0),
        "{:?}",
        std::fs::read_to_string(folder.path().join("log"))
    );
    until_none_is_left(folder.path()).await;

    let second = dev(folder.path()).await;
    let files = reqwest::Client::new()
        .get(format!("{}/v1/files", second.ready))
        .bearer_auth(&key)
        .send()
        .await
        .unwrap();
    let files: serde_json::Value = files.json().await.unwrap();
    assert_eq!(files["items"][0]["status"], "READY", "{files}");

    second.kill_9().await;
    until_none_is_left(folder.path()).await;
    let third = dev(folder.path()).await;
    assert!(upload(&third.ready, &key, &photo).await.status.success());
    third.signal(Signal::SIGINT);
    assert_eq!(third.end().await, Some(0));
}
