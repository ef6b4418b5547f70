//! A worker as a process of its own: this test program, started again.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::{
        signal::{Signal, kill, raise},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};

/// What the process is to do; without it [`child_process`] is a test that has nothing to do.
const ROLE: &str = "ENGINE_TEST_ROLE";
const URL: &str = "ENGINE_TEST_URL";
/// A folder in which it gives signs of where it is.
const SIGNS: &str = "ENGINE_TEST_SIGNS";

/// The entry of the other processes.
#[test]
fn child_process() {
    let (Ok(role), Ok(url)) = (std::env::var(ROLE), std::env::var(URL)) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        match role.split_once(' ').unwrap_or((&role, "")) {
            ("scenario", words) => crate::scenario::play(&url, words).await,
            ("half", _) => crate::checkpoints::half_way(&url).await,
            ("poison", _) => crate::peers::poisoned_worker(&url).await,
            ("quits", part) => crate::supervision::engine_whose_part_panics(&url, part).await,
            ("pills", limit) => crate::blame::worker_with_a_pill(&url, limit).await,
            (other, _) => panic!("no such role: {other}"),
        }
    });
}

/// What may happen to a process.
pub fn happening(word: &str) -> fn() {
    match word {
        // No destructor runs and nothing is flushed, as with a kill.
        "abort" => || std::process::abort(),
        "freeze" => || raise(Signal::SIGSTOP).expect("a stop"),
        "wait" => wait_for_a_sign,
        other => panic!("nothing is called {other}"),
    }
}

/// Says that it is there, and waits until it may go on.
fn wait_for_a_sign() {
    let signs = PathBuf::from(std::env::var_os(SIGNS).expect("a folder"));
    std::fs::write(signs.join("reached"), "").expect("a sign");
    let began = Instant::now();
    while !signs.join("go").exists() && began.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A started process. Dropped, it is killed.
pub struct Process {
    child: Child,
    signs: tempfile::TempDir,
}

impl Process {
    pub fn start(role: &str, url: &str) -> Self {
        let signs = tempfile::tempdir().expect("a folder");
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new(program);
        command.args(["process::child_process", "--exact", "--nocapture"]);
        command.env(ROLE, role).env(URL, url);
        command.env(SIGNS, signs.path());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        if std::env::var_os("ENGINE_TEST_NOISE").is_none() {
            command.stderr(Stdio::null());
        }
        let child = command.spawn().expect("a process");
        Self { child, signs }
    }

    /// The name under which its engine registers.
    pub fn name(&self) -> String {
        format!("pid {}", self.child.id())
    }

    /// Waits for its end.
    pub async fn end(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                return Some(status);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }

    /// It has stopped itself.
    pub fn is_frozen(&self) -> bool {
        let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        matches!(
            waitid(Id::Pid(self.pid()), flags),
            Ok(WaitStatus::Stopped(..))
        )
    }

    pub fn thaw(&self) {
        kill(self.pid(), Signal::SIGCONT).expect("a child of ours");
    }

    /// It waits at its point.
    pub fn is_waiting(&self) -> bool {
        self.sign("reached").exists()
    }

    pub fn let_go(&self) {
        std::fs::write(self.sign("go"), "").expect("a sign");
    }

    fn sign(&self, sign: impl AsRef<Path>) -> PathBuf {
        self.signs.path().join(sign)
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
