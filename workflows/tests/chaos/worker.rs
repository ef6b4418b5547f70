//! A worker process: this test program, started again.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use embedded::{TcpProxy, proxy::Which};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use workflows::{Engine, EngineConfig};

use crate::route::route;

/// A stopped worker has lost its leases after this long.
pub const LEASE: Duration = Duration::from_secs(3);

const NAME: &str = "CHAOS_WORKER";
const URL: &str = "CHAOS_URL";

/// The entry of the other processes.
#[test]
fn worker_process() {
    let (Ok(name), Ok(url)) = (std::env::var(NAME), std::env::var(URL)) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let config = EngineConfig {
            name,
            lease: LEASE,
            queues: vec![("default".to_owned(), 8)],
            ..EngineConfig::default()
        };
        // Postgres may be down at the start.
        loop {
            if let Ok(pool) = PgPool::connect(&url).await {
                let engine = Engine::new(&pool, config.clone()).register(&route());
                let never = CancellationToken::new;
                let _ = engine.run(never(), never()).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
}

/// A started process, with a proxy between it and Postgres. Dropped, it is killed.
pub struct Worker {
    number: usize,
    life: u32,
    proxy: TcpProxy,
    url: String,
    process: Child,
}

impl Worker {
    pub async fn start(number: usize, url: &str) -> Self {
        let proxy = TcpProxy::to_database(url).await.unwrap();
        let url = proxy.url(url);
        Self {
            number,
            life: 0,
            process: spawn(&format!("worker {number}.0"), &url),
            proxy,
            url,
        }
    }

    /// Name of the process that is running now.
    pub fn name(&self) -> String {
        format!("worker {}.{}", self.number, self.life)
    }

    /// `kill -9`; another process takes its place.
    pub fn replace(&mut self) {
        self.kill();
        self.life += 1;
        self.process = spawn(&self.name(), &self.url);
    }

    /// Nothing comes through any more on the connections that it has.
    pub fn fall_silent(&self) {
        // The server finds out about the last ones: it has only so many sessions.
        self.proxy.cut(Which::Silent);
        self.proxy.silence(Which::All);
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.process.id()).unwrap());
        kill(pid, signal).unwrap();
    }

    fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(name: &str, url: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["worker::worker_process", "--exact"])
        .env(NAME, name)
        .env(URL, url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}
