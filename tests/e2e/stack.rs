//! One test's own service: database, S3 server, and the processes it asks for.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};

use devkit::{
    Clamd, ClamdOptions, Postgres, PostgresOptions, TestCluster, TestDatabase,
    s3::{S3Options, S3Server},
};
use serde_json::Value;
use sqlx::PgPool;
use storage::{ObjectStore, StorageConfig};
use tempfile::TempDir;
use tokio::{process::Command, sync::OnceCell};

use crate::process::{Process, mediamill};

const SECRET: &str = "a secret of tests";

pub struct Stack {
    pub pool: PgPool,
    pub store: ObjectStore,
    pub key: String,
    pub folder: TempDir,
    database_url: String,
    storage: StorageConfig,
    s3_address: SocketAddr,
    s3: Option<S3Server>,
    /// Where the API listens and the base of public addresses.
    listen: (String, String),
    // Last, so that the connections above are closed first.
    _database: Option<TestDatabase>,
}

impl Stack {
    /// On the shared cluster, with a database of its own.
    pub async fn new() -> Self {
        let cluster = TestCluster::shared().await.expect("a Postgres for tests");
        let database = cluster
            .database("mediamill", migrate)
            .await
            .expect("a database");
        let url = database.url().to_owned();
        Self::over(url, Some(database)).await
    }

    /// As [`Stack::new`], with public addresses that lead to the API's own edge.
    pub async fn served_by_the_edge() -> Self {
        Self::new().await.with_edge()
    }

    /// With public addresses that lead to the API's own edge.
    pub fn with_edge(self) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        Self {
            listen: (free.to_string(), format!("http://{free}/cdn")),
            ..self
        }
    }

    /// Address of the API, where that is known before it starts.
    pub fn public_url(&self) -> String {
        format!("http://{}", self.listen.0)
    }

    /// On a cluster of its own, which the test may stop.
    pub async fn with_own_postgres() -> (Self, Postgres) {
        let folder = tempfile::tempdir().unwrap().keep();
        let options = PostgresOptions {
            data_dir: folder,
            fsync: false,
        };
        let postgres = Postgres::start(options).await.expect("a Postgres");
        postgres.create_database("mediamill").await.unwrap();
        let url = postgres.url("mediamill");
        migrate(url.clone()).await.unwrap();
        (Self::over(url, None).await, postgres)
    }

    async fn over(database_url: String, database: Option<TestDatabase>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let s3 = S3Server::start(s3_options(folder.path(), ([127, 0, 0, 1], 0).into()));
        let s3 = s3.await.expect("an S3 server");
        let s3_address = s3.addr();
        let storage = StorageConfig {
            endpoint: Some(format!("http://{s3_address}")),
            public_endpoint: None,
            region: "us-east-1".into(),
            access_key_id: "tests".into(),
            secret_access_key: SECRET.into(),
            path_style: true,
            staging_bucket: "staging".into(),
            origin_bucket: "origin".into(),
        };
        let store = ObjectStore::new(&storage);
        store.ensure_buckets().await.expect("buckets");
        let pool = PgPool::connect(&database_url).await.expect("a pool");
        let mut stack = Self {
            pool,
            store,
            key: String::new(),
            folder,
            database_url,
            storage,
            s3_address,
            s3: Some(s3),
            listen: ("127.0.0.1:0".into(), "http://cdn.invalid/cdn".into()),
            _database: database,
        };
        stack.key = stack.make_key("tester").await;
        stack
    }

    /// A key, made as an operator would.
    pub async fn make_key(&self, owner: &str) -> String {
        let scopes = ["--scope", "uploads:write", "--scope", "files:read"];
        let args = [&["keys", "create", "--owner", owner][..], &scopes].concat();
        let output = self.command(&args).await.output().await.unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Runs a command to its end, with words separated by spaces.
    pub async fn run(&self, command: &str) -> Output {
        let args: Vec<&str> = command.split(' ').collect();
        self.command(&args).await.output().await.unwrap()
    }

    pub async fn api(&self) -> Process {
        self.api_with(&[]).await
    }

    /// With some settings of the test's own.
    pub async fn api_with(&self, settings: &[(&str, &str)]) -> Process {
        let mut command = self.command(&["api"]).await;
        command.envs(settings.iter().copied());
        Process::start(command, &self.log("api")).await
    }

    /// That may open so many files.
    pub async fn api_with_files(&self, files: u32) -> Process {
        let api = self.command(&["api"]).await;
        let mut command = Command::new("prlimit");
        command.arg(format!("--nofile={files}")).kill_on_drop(true);
        command
            .arg(api.as_std().get_program())
            .args(api.as_std().get_args());
        for (name, value) in api.as_std().get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Process::start(command, &self.log("api")).await
    }

    pub async fn worker(&self) -> Process {
        self.worker_with(&[]).await
    }

    /// With some settings of the test's own.
    pub async fn worker_with(&self, settings: &[(&str, &str)]) -> Process {
        let mut command = self.command(&["worker"]).await;
        command.envs(settings.iter().copied());
        Process::start(command, &self.log("worker")).await
    }

    /// Pauses a queue, as soon as a worker has told of it.
    pub async fn hold_queue(&self, queue: &str) {
        let known = format!("SELECT EXISTS (SELECT FROM workflows.lanes WHERE queue = '{queue}')");
        self.until(&known).await;
        let held = self
            .run(&format!("queues pause {queue} --reason held"))
            .await;
        assert!(held.status.success(), "{held:?}");
    }

    /// Makes one more bucket.
    pub async fn make_bucket(&self, name: &str) {
        let storage = StorageConfig {
            staging_bucket: name.to_owned(),
            ..self.storage.clone()
        };
        let made = ObjectStore::new(&storage).ensure_buckets().await;
        made.expect("a bucket");
    }

    /// With a scanner of the test's own.
    pub async fn worker_with_clamd(&self, address: &str) -> Process {
        let mut command = self.command(&["worker"]).await;
        command.env("MEDIAMILL_CLAMD", address);
        Process::start(command, &self.log("worker")).await
    }

    /// It holds the password.
    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    pub async fn command(&self, args: &[&str]) -> Command {
        let mut command = mediamill(args);
        command
            .env("MEDIAMILL_DATABASE_URL", &self.database_url)
            .env(
                "MEDIAMILL_S3_ENDPOINT",
                format!("http://{}", self.s3_address),
            )
            .env("MEDIAMILL_S3_ACCESS_KEY_ID", &self.storage.access_key_id)
            .env(
                "MEDIAMILL_S3_SECRET_ACCESS_KEY",
                &self.storage.secret_access_key,
            )
            .env("MEDIAMILL_STAGING_BUCKET", &self.storage.staging_bucket)
            .env("MEDIAMILL_ORIGIN_BUCKET", &self.storage.origin_bucket)
            .env("MEDIAMILL_LISTEN", &self.listen.0)
            .env("MEDIAMILL_EDGE", "true")
            .env("MEDIAMILL_CDN_BASE_URL", &self.listen.1)
            .env("MEDIAMILL_CLAMD", clamd().await)
            .env("MEDIAMILL_SCRATCH_DIR", self.folder.path().join("scratch"));
        command
    }

    /// `mediamill upload --json --wait` of one file: whether it exited with 0, and what it printed.
    pub async fn upload(&self, api: &Process, file: &Path) -> (bool, Value) {
        let mut command = mediamill(&["upload", "--wait", "--json", "--api", &api.ready]);
        let output = command
            .env("MEDIAMILL_KEY", &self.key)
            .arg(file)
            .output()
            .await
            .unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        let printed = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!(
                "not JSON: {line} {}",
                String::from_utf8_lossy(&output.stderr)
            )
        });
        (output.status.success(), printed)
    }

    /// Writes a file to upload.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn s3_address(&self) -> SocketAddr {
        self.s3_address
    }

    /// An address at the S3 server, without a signature.
    pub fn s3_url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.s3_address)
    }

    pub async fn stop_s3(&mut self) {
        self.s3.take().expect("it runs").stop().await;
    }

    pub async fn start_s3(&mut self) {
        let s3 = S3Server::start(s3_options(self.folder.path(), self.s3_address)).await;
        self.s3 = Some(s3.expect("the same port again"));
    }

    /// Asks the database until it says yes; fails when that takes long.
    pub async fn until(&self, sql: &str) {
        self.until_within(Duration::from_mins(1), sql).await;
    }

    pub async fn until_within(&self, limit: Duration, sql: &str) {
        let asked = tokio::time::Instant::now();
        while !sqlx::query_scalar::<_, bool>(sqlx::AssertSqlSafe(sql.to_owned()))
            .fetch_one(&self.pool)
            .await
            .unwrap_or(false)
        {
            let waited = asked.elapsed();
            assert!(
                waited < limit,
                "waited {waited:?} for {sql}\n{}",
                self.logs()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn logs(&self) -> String {
        let read = |name| std::fs::read_to_string(self.log(name)).unwrap_or_default();
        format!("--- api\n{}\n--- worker\n{}", read("api"), read("worker"))
    }
}

async fn migrate(url: String) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut command = mediamill(&["migrate"]);
    let output = command.env("MEDIAMILL_DATABASE_URL", url).output().await?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8(output.stderr)?.into())
    }
}

fn s3_options(folder: &Path, listen: SocketAddr) -> S3Options {
    S3Options {
        root: folder.join("s3"),
        listen,
        access_key_id: "tests".into(),
        secret_access_key: SECRET.into(),
        cors_origins: vec!["*".into()],
        sync_writes: false,
    }
}

/// One scanner for all tests; it keeps nothing between two scans.
pub async fn clamd() -> &'static str {
    static CLAMD: OnceCell<(String, Clamd, TempDir)> = OnceCell::const_new();
    let start = async || {
        let folder = tempfile::tempdir().unwrap();
        let clamd = Clamd::start(ClamdOptions::new(folder.path()))
            .await
            .expect("a clamd");
        (clamd.addr(), clamd, folder)
    };
    &CLAMD.get_or_init(start).await.0
}
