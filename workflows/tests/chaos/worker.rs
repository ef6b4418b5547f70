//! A worker process: this test program, started again.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use devkit::{TcpProxy, proxy::Which};
use nix::{
    sys::{
        signal::{Signal, kill, raise},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};
use sqlx::PgPool;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use workflows::{
    Engine, EngineConfig,
    failpoints::{self, Failpoint, Side},
};

use crate::{fuzz, route::route};

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
            queues: vec![("default".to_owned(), 8), ("parts".to_owned(), 8)],
            ..EngineConfig::default()
        };
        let mut asked = signal(SignalKind::user_defined1()).unwrap();
        tokio::spawn(async move {
            while asked.recv().await.is_some() {
                let freeze = || raise(Signal::SIGSTOP).unwrap();
                // Of its results, those of children are most.
                failpoints::arm_with(Failpoint::Child, Side::Before, freeze);
            }
        });
        // Postgres may be down at the start.
        loop {
            if let Ok(pool) = PgPool::connect(&url).await {
                let engine = Engine::new(&pool, config.clone()).register(&route());
                let engine = engine.register(&fuzz::route(&pool));
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
        kill(self.pid(), signal).unwrap();
    }

    /// It will stop itself when it is about to commit something. It must have begun to work.
    pub fn freeze_in_a_commit(&self) {
        self.signal(Signal::SIGUSR1);
    }

    pub fn is_frozen(&self) -> bool {
        let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        matches!(
            waitid(Id::Pid(self.pid()), flags),
            Ok(WaitStatus::Stopped(..))
        )
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.process.id()).unwrap())
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
