//! Many files by the command line, out of folders, and killed on their way.

use std::{fs, path::Path, process::Stdio, time::Duration};

use devkit::{
    TcpProxy,
    proxy::{Target, Which},
};
use serde_json::Value;
use tokio::process::Command;

use crate::{process::mediamill, stack::Stack};

/// So many small files and one that goes in parts.
fn folder(stack: &Stack, small: usize) -> std::path::PathBuf {
    let folder = stack.folder.path().join("photos");
    fs::create_dir_all(folder.join("day/.thumbnails")).unwrap();
    fs::write(folder.join("day/.thumbnails/hidden.jpg"), "hidden").unwrap();
    std::os::unix::fs::symlink("..", folder.join("day/back")).unwrap();
    for number in 0..small {
        let name = format!("day/{number}.jpg");
        fs::write(folder.join(name), format!("photo {number}")).unwrap();
    }
    fs::write(folder.join("large.jpg"), vec![7; 20 << 20]).unwrap();
    folder
}

/// The API as it is reached through `api`, which is an address.
fn upload(stack: &Stack, api: &str, args: &[&str], path: &Path) -> Command {
    let mut command = mediamill(&["upload", "--json", "--api", api]);
    command
        .args(args)
        .arg(path)
        .env("MEDIAMILL_KEY", &stack.key)
        .env("XDG_STATE_HOME", stack.folder.path().join("state"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[tokio::test]
async fn a_folder_killed_on_its_way_goes_on_and_sends_nothing_twice() {
    let stack = Stack::new().await;
    let api = stack.api().await;
    let address = api.ready.trim_start_matches("http://").to_owned();
    let proxy = TcpProxy::start(Target::Tcp(address)).await.unwrap();
    let through = format!("http://{}", proxy.address());
    let photos = folder(&stack, 40);

    // Slowly, and not to the end.
    proxy.latency(Duration::from_millis(50));
    let mut killed = upload(&stack, &through, &[], &photos).spawn().unwrap();
    stack
        .until("SELECT count(*) >= 3 FROM uploads WHERE completed_at IS NOT NULL")
        .await;
    proxy.partition(true);
    killed.kill().await.unwrap();
    proxy.partition(false);
    proxy.latency(Duration::ZERO);

    let output = upload(&stack, &through, &[], &photos).output().await;
    let output = output.unwrap();
    let (out, told) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert_eq!(output.status.code(), Some(0), "{out}{told}");
    assert!(told.contains("day/.thumbnails: hidden"), "{told}");
    assert!(told.contains("day/back: symbolic links"), "{told}");
    let mut files: Vec<String> = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|outcome| outcome["file_id"].as_str().unwrap().to_owned())
        .collect();
    files.sort();
    files.dedup();
    assert_eq!(files.len(), 41, "{out}");
    // Whatever the killed one began was found again.
    stack
        .until("SELECT count(*) = 41 AND bool_and(completed_at IS NOT NULL) FROM uploads")
        .await;
    let state = stack.folder.path().join("state/mediamill/uploads");
    let left = fs::read_dir(state).unwrap().count();
    assert_eq!(left, 0, "nothing is left to go on with");
}

#[tokio::test]
async fn all_files_together_have_no_more_parts_in_flight_than_allowed() {
    let stack = Stack::new().await;
    let s3 = TcpProxy::start(stack.s3_address()).await.unwrap();
    let public = format!("http://{}", s3.address());
    let settings = [("MEDIAMILL_S3_PUBLIC_ENDPOINT", &*public)];
    let api = stack.api_with(&settings).await;
    let photos = folder(&stack, 12);
    s3.partition(true);
    let upload = upload(&stack, &api.ready, &["--parallel", "3"], &photos).spawn();
    // As many as are on their way at once, each of which waits for its bytes to be taken.
    stack.until("SELECT count(*) = 8 FROM uploads").await;
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    while s3.count(Which::All) < 3 {
        let now = tokio::time::Instant::now();
        assert!(now < deadline, "three connections to the store: {s3:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(s3.count(Which::All), 3);
    s3.partition(false);
    let output = upload.unwrap().wait_with_output().await.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
}
