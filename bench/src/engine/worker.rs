//! A worker process: this program again, as its own child.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use sqlx::PgPool;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};
use tokio_util::sync::CancellationToken;
use workflows::Engine;

use crate::{database::Database, roles::Role};

const PATIENCE: Duration = Duration::from_secs(90);

/// What the child does: works until its input ends, which it does with the parent at the latest.
pub async fn run(url: &str, role: Role) -> Result<()> {
    let pool = PgPool::connect(url).await?;
    let engine = Engine::new(&pool, role.config()).register(&role.workflow());
    pool.close().await;
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        let _ = tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await;
        stopping.cancel();
    });
    Ok(Box::pin(engine.run(stop, CancellationToken::new())).await?)
}

/// The child as the parent sees it. Dropped, it is killed.
pub struct Worker {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    pub fn spawn(database: &Database, role: Role) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["worker", &database.url, &role.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().context("no pipe from the worker")?;
        let lines = BufReader::new(output).lines();
        Ok(Self { child, lines })
    }

    /// Waits until the first step is entered.
    pub async fn entered(&mut self) -> Result<()> {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        match line.context("the step was not entered")?? {
            Some(_) => Ok(()),
            None => bail!("the worker ended"),
        }
    }

    /// The name that it has in the engine's list of workers.
    pub fn name(&self) -> Result<String> {
        let pid = self.child.id().context("the worker ended")?;
        Ok(format!("pid {pid}"))
    }

    /// SIGSTOP: it does nothing more, and its connections stay as they are.
    pub async fn freeze(&self) -> Result<()> {
        let pid = self.child.id().context("the worker ended")?;
        let mut kill = Command::new("kill");
        let status = kill.args(["-STOP", &pid.to_string()]).status().await?;
        ensure!(status.success(), "cannot stop the worker {pid}");
        Ok(())
    }

    /// SIGKILL.
    pub async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Lets it end by itself.
    pub async fn stop(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().await?;
        Ok(())
    }
}
