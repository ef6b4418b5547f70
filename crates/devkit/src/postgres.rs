//! A private Postgres cluster.
//!
//! Who may connect: the socket's folder is closed to other users, and a generated password (scram)
//! is asked for besides, so that another process of the unprivileged user that runs it as root is
//! kept out too. There is no TCP port.
//!
//! This runs no migrations and knows no schema.

mod binaries;
mod leftover;
mod standby;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use sqlx::{
    Connection, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};

use crate::{
    Error,
    children::{ChildProcess, Signal, StopSignals},
    folder::Folder,
};
use binaries::Binaries;

/// The only user, and the owner of every database.
const USER: &str = "mediamill";

/// initdb takes 1 s on an idle machine.
const INITDB_PATIENCE: Duration = Duration::from_mins(2);

/// Crash recovery of a large log is the slow case; an empty one starts in 0.2 s.
const START_PATIENCE: Duration = Duration::from_mins(2);

/// A fast shutdown writes a checkpoint.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// When we die the cluster shuts down "fast", with a checkpoint: the next start has nothing to
/// recover. An abrupt stop is Postgres's "immediate" one, which also ends its own children.
const SIGNALS: StopSignals = StopSignals {
    on_our_death: Signal::SIGINT,
    abrupt: Signal::SIGQUIT,
};

/// What a cluster is started with.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The folder for the cluster, its password and its log. Made if missing; existing data is kept.
    pub data_dir: PathBuf,
    /// Whether commits survive a crash of the machine. Only tests can do without.
    pub fsync: bool,
}

/// A running cluster. Dropping it stops it abruptly; [`Postgres::stop`] is the clean way.
#[derive(Debug)]
pub struct Postgres {
    // Before `folder`, so that the process is gone when the lock is.
    process: Option<ChildProcess>,
    folder: Folder,
    binaries: Binaries,
    data: PathBuf,
    password: String,
    fsync: bool,
}

impl Postgres {
    /// Starts a cluster, making it first where there is none, and waits until it takes connections.
    ///
    /// Safe to call after a crash of any kind: half-made clusters are made anew, and a server left
    /// over from an earlier process is waited for.
    pub async fn start(options: PostgresOptions) -> Result<Self, Error> {
        let folder = Folder::open(&options.data_dir)?;
        let data = folder.path().join("data");
        let binaries = Binaries::find(&data)?;
        let password = match fs::read_to_string(folder.path().join("password")) {
            Ok(password) => password,
            Err(_) if !data.exists() => generate_password(&folder)?,
            Err(error) => return Err(Error::file("read", folder.path().join("password"))(error)),
        };
        if !data.exists() {
            make_cluster(&folder, &binaries, &data, options.fsync).await?;
        }
        let mut postgres = Self {
            process: None,
            folder,
            binaries,
            data,
            password,
            fsync: options.fsync,
        };
        postgres.launch().await?;
        Ok(postgres)
    }

    /// The URL of the database named `database`, for sqlx and for libpq. It holds the password.
    pub fn url(&self, database: &str) -> String {
        let sockets = self.folder.sockets().to_string_lossy().replace('/', "%2F");
        format!("postgres://{USER}:{}@{sockets}/{database}", self.password)
    }

    /// Makes a database unless it exists.
    pub async fn create_database(&self, name: &str) -> Result<(), Error> {
        let mut admin = self.admin().await?;
        let exists: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
                .bind(name)
                .fetch_one(&mut admin)
                .await
                .map_err(|source| Error::Database {
                    action: "look for a database",
                    source,
                })?;
        if !exists {
            execute(
                &mut admin,
                "create a database",
                format!("CREATE DATABASE {}", quoted(name)),
            )
            .await?;
        }
        Ok(())
    }

    /// Fails if the server has ended by itself.
    pub fn check(&self) -> Result<(), Error> {
        self.process.as_ref().map_or(Ok(()), ChildProcess::check)
    }

    /// Stops the server: connections are cut, transactions rolled back, a checkpoint is written.
    pub async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.stop(Signal::SIGINT, STOP_PATIENCE).await;
        }
    }

    /// Stops the server as a crash would: without a checkpoint, so the next start recovers.
    pub async fn stop_immediate(&mut self) {
        if let Some(process) = self.process.take() {
            process.stop(Signal::SIGQUIT, STOP_PATIENCE).await;
        }
    }

    /// Stops the server if it runs, and starts it on the same data and the same URL.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.stop().await;
        self.launch().await
    }

    /// A connection to the database that always exists.
    pub(crate) async fn admin(&self) -> Result<PgConnection, Error> {
        self.connect().await.map_err(|source| Error::Database {
            action: "connect",
            source,
        })
    }

    async fn connect(&self) -> sqlx::Result<PgConnection> {
        let options = PgConnectOptions::new_without_pgpass()
            .socket(self.folder.sockets())
            .port(5432)
            .username(USER)
            .password(&self.password)
            .database("postgres")
            .ssl_mode(PgSslMode::Disable);
        PgConnection::connect_with(&options).await
    }

    async fn launch(&mut self) -> Result<(), Error> {
        leftover::clear(&self.data).await?;
        let process = ChildProcess::start(&self.folder, self.command(), "postgres.log", SIGNALS)?;
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            if let Ok(connection) = self.connect().await {
                let _ = connection.close().await;
                break;
            }
            process.check()?;
            if Instant::now() >= deadline {
                return Err(process.not_ready(START_PATIENCE));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.process = Some(process);
        Ok(())
    }

    fn command(&self) -> Command {
        let on_off = |on| if on { "on" } else { "off" };
        let sockets = self.folder.sockets().display();
        let mut command = Command::new(self.binaries.path("postgres"));
        command.arg("-D").arg(&self.data);
        for setting in [
            "listen_addresses=".to_owned(),
            "port=5432".into(),
            format!("unix_socket_directories={sockets}"),
            format!("fsync={}", on_off(self.fsync)),
            format!("full_page_writes={}", on_off(self.fsync)),
            "shared_buffers=128MB".into(),
            "max_connections=400".into(),
            format!("max_wal_size={}", if self.fsync { "1GB" } else { "256MB" }),
            "log_min_duration_statement=500ms".into(),
            // Parameters may be secrets.
            "log_parameter_max_length=0".into(),
            "log_line_prefix=%m [%p] %q%a ".into(),
            // Compiling a plan costs more than any of our statements.
            "jit=off".into(),
        ] {
            command.arg("-c").arg(setting);
        }
        command
    }
}

/// Runs initdb into a folder beside `data` and renames it: a crash leaves no half-made cluster.
async fn make_cluster(
    folder: &Folder,
    binaries: &Binaries,
    data: &Path,
    fsync: bool,
) -> Result<(), Error> {
    let unfinished = folder.path().join("data.unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(Error::file("remove", &unfinished))?;
    }
    folder.private("data.unfinished")?;
    let mut initdb = Command::new(binaries.path("initdb"));
    initdb
        .args([
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ])
        .arg(format!("--username={USER}"))
        .arg(format!(
            "--pwfile={}",
            folder.path().join("password").display()
        ))
        .arg("-D")
        .arg(&unfinished);
    if !fsync {
        initdb.arg("--no-sync");
    }
    ChildProcess::start(folder, initdb, "initdb.log", SIGNALS)?
        .succeed(INITDB_PATIENCE)
        .await?;
    fs::rename(&unfinished, data).map_err(Error::file("rename", &unfinished))
}

fn generate_password(folder: &Folder) -> Result<String, Error> {
    let password = format!("{:032x}", rand::random::<u128>());
    folder.write_private("password", &password)?;
    Ok(password)
}

/// An identifier, quoted.
pub(crate) fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Runs a statement that takes no parameters; identifiers in it must be [`quoted`].
pub(crate) async fn execute(
    connection: &mut PgConnection,
    action: &'static str,
    statement: String,
) -> Result<(), Error> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map_err(|source| Error::Database { action, source })?;
    Ok(())
}
