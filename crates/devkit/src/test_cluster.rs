//! Postgres for tests: one cluster a process, a database a test.
//!
//! A cluster takes a second to make, so clusters are kept: each test process takes the first of a
//! few numbered folders that is free, and the kernel frees it again however the process ends. A
//! database is a copy of a template that the first test of the process prepared; it is dropped with
//! its handle, and what a killed process left is dropped at the next start.

use std::{collections::HashMap, future::Future, path::PathBuf, sync::Arc, thread};

use nix::{
    sys::statvfs::statvfs,
    unistd::{AccessFlags, Uid, access},
};
use sqlx::{Connection, PgConnection};
use tokio::sync::{Mutex, OnceCell, mpsc, oneshot};

use crate::{
    Error, Postgres, PostgresOptions, folder,
    postgres::{execute, quoted},
};

/// How many test processes can run at once.
const FOLDERS: usize = 64;

/// Free bytes of `/dev/shm` from which on clusters are kept there. One takes a few hundred MB at
/// most; containers often have 64 MB.
const MEMORY_NEEDED: u64 = 2 << 30;

/// A cluster that lives until this process ends.
#[derive(Debug)]
pub struct TestCluster {
    postgres: Postgres,
    keeper: mpsc::UnboundedSender<Request>,
    templates: Mutex<HashMap<String, Arc<OnceCell<()>>>>,
}

/// One test's own database. Dropping it drops the database, with whatever connections are left.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    url: String,
    keeper: mpsc::UnboundedSender<Request>,
}

impl TestCluster {
    /// This process's cluster, started by whoever asks first.
    pub async fn shared() -> Result<&'static Self, Error> {
        static SHARED: OnceCell<TestCluster> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::start).await
    }

    /// A new database. `prepare` is given the URL of an empty one and makes the schema in it; this
    /// happens once for each `template` name, and the new database is a copy of the result.
    pub async fn database<F, E>(
        &self,
        template: &str,
        prepare: impl FnOnce(String) -> F,
    ) -> Result<TestDatabase, Error>
    where
        F: Future<Output = Result<(), E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let once = self
            .templates
            .lock()
            .await
            .entry(template.to_owned())
            .or_default()
            .clone();
        let source = format!("template_{template}");
        once.get_or_try_init(async || {
            // An earlier preparation that failed may have left a half-made template.
            self.ask(Action::Drop {
                name: source.clone(),
            })
            .await?;
            self.ask(Action::Create {
                name: source.clone(),
                template: "template0".into(),
            })
            .await?;
            prepare(self.postgres.url(&source))
                .await
                .map_err(|error| Error::Template {
                    name: template.into(),
                    source: error.into(),
                })?;
            self.ask(Action::Freeze {
                name: source.clone(),
            })
            .await
        })
        .await?;
        let name = format!("test_{:016x}", rand::random::<u64>());
        self.ask(Action::Create {
            name: name.clone(),
            template: source,
        })
        .await?;
        Ok(TestDatabase {
            url: self.postgres.url(&name),
            name,
            keeper: self.keeper.clone(),
        })
    }

    /// A new, empty database.
    pub async fn empty_database(&self) -> Result<TestDatabase, Error> {
        self.database("empty", |_| async { Ok::<_, Error>(()) })
            .await
    }

    async fn start() -> Result<Self, Error> {
        let postgres = start_in_a_free_folder().await?;
        let (keeper, requests) = mpsc::unbounded_channel();
        let url = postgres.url("postgres");
        // Each test has a runtime of its own; the keeper's connection must outlive them all.
        thread::Builder::new()
            .name("test-databases".into())
            .spawn(move || keep(&url, requests))
            .map_err(|source| Error::Spawn {
                program: "test-databases".into(),
                source,
            })?;
        let cluster = Self {
            postgres,
            keeper,
            templates: Mutex::default(),
        };
        cluster.ask(Action::Clear).await?;
        Ok(cluster)
    }

    async fn ask(&self, action: Action) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.keeper
            .send(Request {
                action,
                reply: Some(reply),
            })
            .map_err(|_| Error::ClusterStopped)?;
        answer.await.map_err(|_| Error::ClusterStopped)?
    }
}

impl TestDatabase {
    /// The database's URL. It holds the password.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let action = Action::Drop {
            name: std::mem::take(&mut self.name),
        };
        // Fails only when the process is about to end; the next start clears up.
        let _ = self.keeper.send(Request {
            action,
            reply: None,
        });
    }
}

/// Memory, where there is plenty: a database is three hundred files, and making them there takes a
/// quarter of the time that a disk takes.
fn fastest_folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let free = statvfs(&memory).map_or(0, |disk| disk.blocks_available() * disk.fragment_size());
    let writable = access(&memory, AccessFlags::W_OK).is_ok();
    if writable && free >= MEMORY_NEEDED {
        memory
    } else {
        std::env::temp_dir()
    }
}

async fn start_in_a_free_folder() -> Result<Postgres, Error> {
    let home = fastest_folder().join(format!("mediamill-test-postgres-{}", Uid::effective()));
    folder::make_ours(&home)?;
    for number in 0..FOLDERS {
        let data_dir: PathBuf = home.join(number.to_string());
        match Postgres::start(PostgresOptions {
            data_dir,
            fsync: false,
        })
        .await
        {
            Err(Error::InUse(_)) => {}
            done => return done,
        }
    }
    Err(Error::InUse(home))
}

#[derive(Debug)]
enum Action {
    /// Drops every database and template of an earlier process.
    Clear,
    Create {
        name: String,
        template: String,
    },
    /// Cuts a template's connections and takes no more: a database in use cannot be copied.
    Freeze {
        name: String,
    },
    Drop {
        name: String,
    },
}

#[derive(Debug)]
struct Request {
    action: Action,
    reply: Option<oneshot::Sender<Result<(), Error>>>,
}

fn keep(url: &str, mut requests: mpsc::UnboundedReceiver<Request>) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        return;
    };
    runtime.block_on(async {
        let Ok(mut connection) = PgConnection::connect(url).await else {
            return;
        };
        while let Some(Request { action, reply }) = requests.recv().await {
            let result = perform(&mut connection, action).await;
            if let Some(reply) = reply {
                // The asker may have given up.
                let _ = reply.send(result);
            }
        }
    });
}

async fn perform(connection: &mut PgConnection, action: Action) -> Result<(), Error> {
    match action {
        Action::Clear => {
            let leftovers: Vec<String> = sqlx::query_scalar(
                "SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%' OR datname LIKE 'template\\_%'",
            )
            .fetch_all(&mut *connection)
            .await
            .map_err(|source| Error::Database { action: "list databases", source })?;
            for name in leftovers {
                drop_database(connection, &name).await?;
            }
            Ok(())
        }
        Action::Create { name, template } => {
            let statement = format!(
                "CREATE DATABASE {} TEMPLATE {}",
                quoted(&name),
                quoted(&template)
            );
            execute(connection, "create a test database", statement).await
        }
        Action::Freeze { name } => {
            let name = quoted(&name);
            let statement = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false");
            execute(connection, "close a template", statement).await?;
            let statement = format!(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{}'",
                name.trim_matches('"').replace('\'', "''")
            );
            execute(connection, "cut a template's connections", statement).await
        }
        Action::Drop { name } => drop_database(connection, &name).await,
    }
}

async fn drop_database(connection: &mut PgConnection, name: &str) -> Result<(), Error> {
    let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name));
    execute(connection, "drop a test database", statement).await
}
