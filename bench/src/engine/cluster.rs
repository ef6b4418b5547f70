//! A private Postgres with the default settings, gone with this process.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::database::Database;

/// `nobody` and its group: Postgres refuses to run as root.
const NOBODY: u32 = 65534;
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Cluster {
    folder: TempDir,
    binaries: PathBuf,
    server: Child,
    databases: AtomicU32,
}

impl Cluster {
    /// Makes the cluster and waits until it takes connections, on a socket in its folder only.
    pub async fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-engine-").tempdir()?;
        if is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY))?;
        }
        let binaries = find_binaries();
        let data = folder.path().join("data");
        let made = unprivileged(&binaries.join("initdb"))
            .args(["--auth=trust", "--username=bench", "--encoding=UTF8"])
            .arg("--pgdata")
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .context("cannot run initdb")?;
        ensure!(made.success(), "initdb failed");
        let log = fs::File::create(folder.path().join("log"))?;
        let server = unprivileged(&binaries.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses="])
            .args(["-c", "shared_preload_libraries=pg_stat_statements"])
            .arg("-k")
            .arg(folder.path())
            .stderr(log)
            .spawn()
            .context("cannot run postgres")?;
        let cluster = Self {
            folder,
            binaries,
            server,
            databases: AtomicU32::new(0),
        };
        let ready = tokio::time::timeout(PATIENCE, cluster.ready()).await;
        ready.with_context(|| cluster.log())??;
        Ok(cluster)
    }

    async fn ready(&self) -> Result<()> {
        while self.admin().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let sql = "CREATE EXTENSION pg_stat_statements";
        sqlx::query(sql).execute(&mut self.admin().await?).await?;
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A connection to a database that nothing measured uses.
    pub async fn admin(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.url("postgres")).await?)
    }

    pub async fn version(&self) -> Result<String> {
        let sql = "SELECT version()";
        Ok(sqlx::query_scalar(sql)
            .fetch_one(&mut self.admin().await?)
            .await?)
    }

    /// A new database, to be given back with [`Cluster::remove`].
    pub async fn fresh(&self) -> Result<Database> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("bench_{number}");
        execute(&mut self.admin().await?, format!("CREATE DATABASE {name}")).await?;
        let url = self.url(&name);
        Ok(Database { name, url })
    }

    /// Cuts every connection and drops the database, so that none costs the next one anything.
    pub async fn remove(&self, database: Database) -> Result<()> {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", database.name);
        execute(&mut self.admin().await?, sql).await
    }

    fn url(&self, database: &str) -> String {
        let folder = self.folder.path().display();
        format!("postgres://bench@localhost/{database}?host={folder}")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stopped = unprivileged(&self.binaries.join("pg_ctl"))
            .args(["stop", "--silent", "--mode=immediate", "--pgdata"])
            .arg(self.folder.path().join("data"))
            .status();
        if !stopped.is_ok_and(|status| status.success()) {
            eprintln!(
                "Postgres could not be stopped: process {}",
                self.server.id()
            );
            return;
        }
        let _: io::Result<_> = self.server.wait();
    }
}

async fn execute(connection: &mut PgConnection, sql: String) -> Result<()> {
    // Names of databases cannot be bound; these are ours.
    let sql = sqlx::AssertSqlSafe(sql);
    sqlx::raw_sql(sql).execute(connection).await?;
    Ok(())
}

/// Runs as somebody who is not root, and ends when this process does.
fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        command.arg(format!("--reuid={NOBODY}"));
        command.arg(format!("--regid={NOBODY}"));
        command.arg("--clear-groups");
    }
    command.args(["--pdeathsig", "INT"]).arg(program);
    // The folder we were started in may be closed to that user.
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

/// The newest version of Debian's packages, or whatever is on the path.
fn find_binaries() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let folders = versions.flatten().map(|v| v.path().join("bin"));
    let newest = folders.filter(|b| b.join("initdb").exists()).max();
    newest.unwrap_or_default()
}
