//! A server that an earlier process of ours left on this data.
//!
//! The folder's lock is ours when this runs, so the server's owner is dead and the kernel has told
//! the server to stop; here we wait for that. A pid file alone proves nothing: after a crash its
//! number may be any other process of this user, and Postgres would then refuse to start.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::Error;

/// How long the server may take after each signal. The first is the clean shutdown it is in anyway.
const STEPS: [(Signal, Duration); 3] = [
    (Signal::SIGINT, Duration::from_secs(20)),
    (Signal::SIGQUIT, Duration::from_secs(5)),
    (Signal::SIGKILL, Duration::from_secs(5)),
];

/// Returns once no server runs on `data`.
pub(super) async fn clear(data: &Path) -> Result<(), Error> {
    let pid_file = data.join("postmaster.pid");
    let Ok(content) = fs::read_to_string(&pid_file) else {
        return Ok(());
    };
    let pid = content
        .lines()
        .next()
        .and_then(|line| line.trim().parse::<i32>().ok());
    if let Some(pid) = pid.filter(|pid| *pid > 1) {
        end(pid, data).await?;
    }
    match fs::remove_file(&pid_file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file("remove", pid_file)(error))
        }
        _ => Ok(()),
    }
}

async fn end(pid: i32, data: &Path) -> Result<(), Error> {
    for (signal, patience) in STEPS {
        if !runs_on(pid, data) {
            return Ok(());
        }
        tracing::info!(postgres.pid = pid, signal = %signal, "waiting for an earlier server to stop");
        // It can only fail because the process is gone, which is what we wait for.
        let _ = kill(Pid::from_raw(pid), signal);
        let deadline = Instant::now() + patience;
        while runs_on(pid, data) && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    if runs_on(pid, data) {
        Err(Error::Unstoppable { pid })
    } else {
        Ok(())
    }
}

/// Whether `pid` is a live server on this data: Postgres works from inside its data folder.
fn runs_on(pid: i32, data: &Path) -> bool {
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == data)
}
