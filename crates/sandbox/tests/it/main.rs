//! Real child processes, honest and hostile.

#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]
#![expect(
    clippy::disallowed_methods,
    reason = "tries what a child may not, and starts its parents"
)]

mod filled;
mod jobs;
mod measure;
mod tools;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const HELPER: &str = env!("CARGO_BIN_EXE_sandbox-test-helper");

/// Waits for `condition`, which must come true well within five seconds.
async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !condition() {
        assert!(Instant::now() < deadline, "still waiting: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The process that a hostile child wrote down before it was confined.
async fn pid_in(folder: &Path) -> i32 {
    let read = || fs::read_to_string(folder.join("pid")).ok()?.parse().ok();
    eventually("a child", || read().is_some()).await;
    read().unwrap()
}

fn is_gone(pid: i32) -> bool {
    // A process that is only waiting to be reaped does nothing any more.
    fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}
