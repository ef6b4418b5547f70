//! A worker as a process of its own: this test program, started again.

use std::{
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// What the process is to do; without it [`child_process`] is a test that has nothing to do.
const ROLE: &str = "ENGINE_TEST_ROLE";
const URL: &str = "ENGINE_TEST_URL";

/// The entry of the other processes.
#[test]
fn child_process() {
    let (Ok(role), Ok(url)) = (std::env::var(ROLE), std::env::var(URL)) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        match role.split_once(' ').unwrap_or((&role, "")) {
            ("scenario", point) => crate::crash_points::scenario(&url, point).await,
            ("poison", _) => crate::peers::poisoned_worker(&url).await,
            ("quits", part) => crate::supervision::engine_whose_part_panics(&url, part).await,
            ("pills", limit) => crate::blame::worker_with_a_pill(&url, limit).await,
            (other, _) => panic!("no such role: {other}"),
        }
    });
}

/// A started process. Dropped, it is killed.
pub struct Process(Child);

impl Process {
    pub fn start(role: &str, url: &str) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new(program);
        command.args(["process::child_process", "--exact", "--nocapture"]);
        command.env(ROLE, role).env(URL, url);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        if std::env::var_os("ENGINE_TEST_NOISE").is_none() {
            command.stderr(Stdio::null());
        }
        Self(command.spawn().expect("a process"))
    }

    /// Waits for its end.
    pub async fn end(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.0.try_wait().expect("a child of ours") {
                return Some(status);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
