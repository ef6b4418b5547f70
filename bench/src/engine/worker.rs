//! A worker process with the default settings: this program again, as its own child.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, Result, bail};
use sqlx::PgPool;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};
use tokio_util::sync::CancellationToken;
use workflows::{Done, Engine, EngineConfig, Step, StepContext, StepError, Workflow};

use crate::database::Database;

const PATIENCE: Duration = Duration::from_secs(90);

/// Says that it was entered. The first attempt then hangs, any later one is done.
struct Hang;

impl Step for Hang {
    const NAME: &'static str = "hang";
    type Input = u64;
    type Output = ();

    async fn run(&self, context: &StepContext, _: u64) -> Result<Done<()>, StepError> {
        println!("entered");
        if context.attempt == 1 {
            std::future::pending::<()>().await;
        }
        Ok(Done::new(()))
    }
}

/// The workflow that these workers know.
pub fn hanging() -> Workflow<u64> {
    Workflow::named("hanging", 1).step(Hang).build()
}

/// What the child does: works until its input ends, which it does with the parent at the latest.
pub async fn run(url: &str) -> Result<()> {
    let pool = PgPool::connect(url).await?;
    let engine = Engine::new(&pool, EngineConfig::default()).register(&hanging());
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
    pub fn spawn(database: &Database) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["worker", &database.url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().context("no pipe from the worker")?;
        let lines = BufReader::new(output).lines();
        Ok(Self { child, lines })
    }

    /// Waits until the step is entered.
    pub async fn entered(&mut self) -> Result<()> {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        match line.context("the step was not entered")?? {
            Some(_) => Ok(()),
            None => bail!("the worker ended"),
        }
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
