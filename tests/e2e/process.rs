//! A `mediamill` process, killed with its test.

use std::{path::Path, process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

pub struct Process {
    child: Child,
    /// What stands behind `ready` in the line that says so.
    pub ready: String,
    _output: Lines<BufReader<ChildStdout>>,
}

/// The binary under test, with nothing of our own environment that could steer it.
pub fn mediamill(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mediamill"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MEDIAMILL_")) {
        command.env_remove(name);
    }
    command.args(args).kill_on_drop(true).stdin(Stdio::null());
    command
}

impl Process {
    /// Starts a process and waits until it says that it is ready. Its log goes to `log`.
    pub async fn start(mut command: Command, log: &Path) -> Self {
        let log_file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(log_file)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = async {
            while let Some(line) = output.next_line().await.unwrap() {
                if let Some((_, what)) = line.split_once("ready") {
                    return what.trim_start_matches(':').trim().to_owned();
                }
            }
            panic!(
                "the process ended: {}",
                std::fs::read_to_string(log).unwrap()
            )
        };
        let ready = tokio::time::timeout(Duration::from_mins(1), ready).await;
        let ready = ready.unwrap_or_else(|_| panic!("{}", std::fs::read_to_string(log).unwrap()));
        Self {
            child,
            ready,
            _output: output,
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id().expect("it was not waited for")
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.id().cast_signed()), signal).unwrap();
    }

    /// Waits for the end and returns the exit code; `None` when a signal ended it.
    pub async fn end(mut self) -> Option<i32> {
        let ended = tokio::time::timeout(Duration::from_secs(40), self.child.wait()).await;
        ended.expect("it ends in time").unwrap().code()
    }

    /// As the kernel does when memory runs out.
    pub async fn kill_9(self) {
        self.signal(Signal::SIGKILL);
        self.end().await;
    }
}
