//! The real servers, started, stopped and left behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
#![expect(
    clippy::disallowed_methods,
    reason = "asks the system what became of services"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use devkit::{Clamd, ClamdOptions, Error, Postgres, PostgresOptions, TestCluster};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

/// Set for the process that [`killing_the_parent_leaves_no_server`] starts and kills.
const VICTIM: &str = "EMBEDDED_TEST_VICTIM";

/// A scratch folder that an unprivileged service can enter.
fn scratch() -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let open = fs::Permissions::from_mode(0o755);
    tempfile::Builder::new()
        .permissions(open)
        .tempdir()
        .unwrap()
}

fn postgres_in(scratch: &Path) -> PostgresOptions {
    PostgresOptions {
        data_dir: scratch.join("postgres"),
        fsync: false,
    }
}

fn clamd_in(scratch: &Path) -> ClamdOptions {
    ClamdOptions::new(scratch.join("clamd"))
}

async fn connect(postgres: &Postgres, database: &str) -> PgConnection {
    PgConnection::connect(&postgres.url(database))
        .await
        .unwrap()
}

async fn run(connection: &mut PgConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

async fn count(connection: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn postgres_keeps_its_data_over_every_kind_of_stop() {
    let scratch = scratch();
    let mut postgres = Postgres::start(postgres_in(scratch.path())).await.unwrap();
    postgres.create_database("it's \"mine\"").await.unwrap();
    postgres.create_database("kept").await.unwrap();
    postgres.create_database("kept").await.unwrap();
    let mut connection = connect(&postgres, "kept").await;
    run(
        &mut connection,
        "CREATE TABLE stops (kind text); INSERT INTO stops VALUES ('none')",
    )
    .await;

    postgres.restart().await.unwrap();
    let mut connection = connect(&postgres, "kept").await;
    run(&mut connection, "INSERT INTO stops VALUES ('fast')").await;

    postgres.stop_immediate().await;
    assert!(PgConnection::connect(&postgres.url("kept")).await.is_err());
    postgres.restart().await.unwrap();
    let mut connection = connect(&postgres, "kept").await;
    run(&mut connection, "INSERT INTO stops VALUES ('immediate')").await;

    postgres.stop().await;
    drop(postgres);
    let started = Instant::now();
    let postgres = Postgres::start(postgres_in(scratch.path())).await.unwrap();
    println!("started on existing data in {:?}", started.elapsed());
    let mut connection = connect(&postgres, "kept").await;
    assert_eq!(
        count(&mut connection, "SELECT count(*) FROM stops").await,
        3
    );
}

#[tokio::test]
async fn postgres_asks_for_the_password_and_listens_on_no_port() {
    let scratch = scratch();
    let postgres = Postgres::start(postgres_in(scratch.path())).await.unwrap();
    let url = postgres.url("postgres");
    let (start, rest) = url.split_once("://mediamill:").unwrap();
    let (_, rest) = rest.split_once('@').unwrap();
    let wrong = format!("{start}://mediamill:guess@{rest}");
    assert!(PgConnection::connect(&wrong).await.is_err());
    let mut connection = connect(&postgres, "postgres").await;
    let addresses: String = sqlx::query_scalar("SHOW listen_addresses")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(addresses, "");
}

#[tokio::test]
async fn a_folder_serves_one_owner() {
    let scratch = scratch();
    let _first = Postgres::start(postgres_in(scratch.path())).await.unwrap();
    let second = Postgres::start(postgres_in(scratch.path())).await;
    assert!(matches!(second, Err(Error::InUse(_))), "{second:?}");
}

/// After a reboot the number in a left-over pid file may be any process; here it is this test.
#[tokio::test]
async fn a_stale_pid_file_does_not_keep_postgres_from_starting() {
    let scratch = scratch();
    let mut postgres = Postgres::start(postgres_in(scratch.path())).await.unwrap();
    postgres.stop().await;
    let pid_file = scratch.path().join("postgres/data/postmaster.pid");
    fs::write(&pid_file, format!("{}\n", std::process::id())).unwrap();
    postgres.restart().await.unwrap();
}

#[tokio::test]
async fn an_interrupted_initdb_is_done_again() {
    let scratch = scratch();
    let unfinished = scratch.path().join("postgres/data.unfinished");
    fs::create_dir_all(&unfinished).unwrap();
    fs::write(unfinished.join("PG_VERSION"), "9").unwrap();
    Postgres::start(postgres_in(scratch.path())).await.unwrap();
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn clamd_answers_and_finds_the_test_file() {
    let scratch = scratch();
    let clamd = Clamd::start(clamd_in(scratch.path())).await.unwrap();
    let address = clamd.addr();
    let tail = b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";
    let reply = scan(&address, tail).await;
    // With real signatures the tail alone is harmless.
    let expected = if clamd.has_real_signatures() {
        "OK"
    } else {
        "FOUND"
    };
    assert!(reply.ends_with(expected), "{reply}");
    assert_eq!(scan(&address, b"harmless").await, "stream: OK");
    clamd.check().unwrap();
    clamd.stop().await;
    assert!(
        UnixStream::connect(address.trim_start_matches("unix:"))
            .await
            .is_err()
    );
}

async fn scan(address: &str, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(address.trim_start_matches("unix:"))
        .await
        .unwrap();
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    stream
        .write_all(&[b"zINSTREAM\0", &length[..], bytes, &[0; 4]].concat())
        .await
        .unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    reply.trim_end_matches('\0').to_owned()
}

#[tokio::test]
async fn each_test_database_is_a_fresh_copy_of_its_template() {
    let cluster = TestCluster::shared().await.unwrap();
    // Left open on purpose: a template in use could not be copied.
    let mut left_open = None;
    let mut prepared = 0;
    let mut times = Vec::new();
    for _ in 0..10 {
        let started = Instant::now();
        let database = cluster
            .database("services", async |url: String| {
                prepared += 1;
                let mut connection = PgConnection::connect(&url).await?;
                run(&mut connection, "CREATE TABLE marks (n int)").await;
                left_open = Some(connection);
                Ok::<_, sqlx::Error>(())
            })
            .await
            .unwrap();
        times.push(started.elapsed());
        let mut connection = PgConnection::connect(database.url()).await.unwrap();
        run(&mut connection, "INSERT INTO marks VALUES (1)").await;
        assert_eq!(
            count(&mut connection, "SELECT count(*) FROM marks").await,
            1
        );
    }
    assert_eq!(prepared, 1);
    println!(
        "first database with its template {:?}, the others {:?}",
        times[0],
        &times[1..]
    );
}

#[tokio::test]
async fn a_dropped_test_database_is_gone_though_a_connection_is_open() {
    let cluster = TestCluster::shared().await.unwrap();
    let database = cluster.empty_database().await.unwrap();
    let url = database.url().to_owned();
    let _open = PgConnection::connect(&url).await.unwrap();
    drop(database);
    // Requests are served in order, so the drop is done when this is.
    let _next = cluster.empty_database().await.unwrap();
    assert!(PgConnection::connect(&url).await.is_err());
}

#[tokio::test]
async fn a_template_that_could_not_be_prepared_is_tried_again() {
    let cluster = TestCluster::shared().await.unwrap();
    let failed = cluster
        .database("second_try", async |_| Err("not today".to_owned()))
        .await;
    assert!(matches!(failed, Err(Error::Template { .. })), "{failed:?}");
    cluster
        .database("second_try", async |_| Ok::<_, Error>(()))
        .await
        .unwrap();
}

#[tokio::test]
async fn killing_the_parent_leaves_no_server() {
    let scratch = scratch();
    for _ in 0..2 {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "victim"])
            .env(VICTIM, scratch.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let ready = scratch.path().join("ready");
        wait_until("the victim's servers run", || ready.exists()).await;
        assert!(servers_on(scratch.path()).len() >= 2);
        victim.kill().unwrap();
        victim.wait().unwrap();
        fs::remove_file(&ready).unwrap();
        // At once, while the old server may still be shutting down.
        let _again = Postgres::start(postgres_in(scratch.path())).await.unwrap();
        let clamd = scratch.path().join("clamd");
        wait_until("its clamd is gone", || servers_on(&clamd).is_empty()).await;
    }
    wait_until("all are gone", || servers_on(scratch.path()).is_empty()).await;
}

/// Not a test: what [`killing_the_parent_leaves_no_server`] runs in another process. It starts
/// its servers from a thread that ends, which must not end them.
#[test]
#[ignore = "runs only as the victim of another test"]
fn victim() {
    let Some(scratch) = std::env::var_os(VICTIM).map(PathBuf::from) else {
        return;
    };
    let folder = scratch.clone();
    let start = move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let postgres = Postgres::start(postgres_in(&folder)).await.unwrap();
            (postgres, Clamd::start(clamd_in(&folder)).await.unwrap())
        })
    };
    let (postgres, clamd) = std::thread::spawn(start).join().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    postgres.check().unwrap();
    clamd.check().unwrap();
    fs::write(scratch.join("ready"), "").unwrap();
    std::thread::sleep(Duration::from_mins(1));
}

/// The processes whose command line or working directory names `folder`, the tests' own left out.
fn servers_on(folder: &Path) -> Vec<u32> {
    let folder = folder.to_str().unwrap();
    let named = |pid: u32| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let cwd = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(folder) || cwd.starts_with(folder)
    };
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != std::process::id() && named(*pid))
        .collect()
}

async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < deadline, "timed out waiting until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
