//! Each service that mediamill rests on goes away for long, under load, and comes back.
//!
//! A quarter of an hour each, so they run only when asked for: `./just outages`, or `./just outages
//! 60` for a minute each.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use devkit::{
    TcpProxy,
    proxy::{Target, Which},
};
use reqwest::Client;
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::{fixtures::phone_photo, process::Process, stack::Stack};

/// How often somebody sends a photo, all the while.
const EVERY: Duration = Duration::from_secs(5);
/// How long after the end of the outage everything that was accepted must be READY.
const CAUGHT_UP: Duration = Duration::from_mins(2);

fn outage() -> Duration {
    let seconds = std::env::var("OUTAGE_SECONDS").map(|seconds| seconds.parse().unwrap());
    Duration::from_secs(seconds.unwrap_or(900))
}

/// One photo, from initiate to complete. `false`: somewhere on the way the service said no, which
/// in an outage it may.
async fn send(client: &Client, api: &Process, key: &str, photo: &[u8]) -> bool {
    let post = async |path: String, body: Option<&serde_json::Value>| {
        let request = client.post(format!("{}{path}", api.ready));
        let request = request.bearer_auth(key);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = request.send().await.ok()?;
        let response = response.error_for_status().ok()?;
        response.json::<serde_json::Value>().await.ok()
    };
    let whole = async {
        let size = photo.len();
        let body = json!({ "filename": "a.jpg", "content_type": "image/jpeg", "size_bytes": size });
        let upload = post("/v1/uploads".into(), Some(&body)).await?;
        let url = upload["upload"]["url"].as_str()?;
        let put = client.put(url).body(photo.to_vec()).send().await.ok()?;
        put.error_for_status().ok()?;
        let id = upload["upload_id"].as_str()?;
        post(format!("/v1/uploads/{id}/complete"), None).await
    };
    whole.await.is_some()
}

/// Sends photos until `ended`; how many were accepted, and how many were not.
async fn load(stack: &Stack, api: &Process, ended: impl Future<Output = ()>) -> (u32, u32) {
    let client = Client::builder().timeout(Duration::from_secs(30));
    let client = client.build().unwrap();
    let photo = phone_photo(640, 480);
    let (mut accepted, mut refused) = (0, 0);
    let mut tick = tokio::time::interval(EVERY);
    tokio::pin!(ended);
    loop {
        tokio::select! {
            () = &mut ended => return (accepted, refused),
            _ = tick.tick() => {}
        }
        if send(&client, api, &stack.key, &photo).await {
            accepted += 1;
        } else {
            refused += 1;
        }
    }
}

/// Load before, while the service is away, and while it comes back; then everything that was
/// accepted must become READY in time, with nobody charged.
async fn play(name: &str, stack: &Stack, api: &Process, away: impl AsyncFn(bool)) {
    let length = outage();
    let script = async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        away(true).await;
        tokio::time::sleep(length).await;
        away(false).await;
    };
    let (accepted, refused) = load(stack, api, script).await;
    let back = Instant::now();
    let caught_up = "SELECT NOT EXISTS (SELECT FROM media_files
                                        WHERE status NOT IN ('READY', 'PENDING'))";
    stack.until_within(CAUGHT_UP, caught_up).await;
    let caught_up = back.elapsed();
    let count = async |sql: &'static str| -> i64 {
        let counted = sqlx::query_scalar(AssertSqlSafe(sql));
        counted.fetch_one(&stack.pool).await.unwrap()
    };
    let ready = count("SELECT count(*) FROM media_files WHERE status = 'READY'").await;
    let dead = count("SELECT count(*) FROM workflows.dead_letters").await;
    let charged = count(
        "SELECT count(*) FROM workflows.attempts
         WHERE outcome NOT IN ('done', 'unavailable', 'interrupted', 'lost')",
    );
    let charged = charged.await;
    let unavailable =
        count("SELECT count(*) FROM workflows.attempts WHERE outcome = 'unavailable'").await;
    println!(
        "{name}: away {} s; {accepted} accepted, {refused} refused to the client; {ready} READY \
         {:.1} s after its return; {unavailable} attempts found it away, {charged} charged, \
         {dead} dead letters",
        length.as_secs(),
        caught_up.as_secs_f64(),
    );
    assert!(accepted >= 4, "there was load");
    // An answer may have been lost after its upload was accepted.
    assert!(ready >= i64::from(accepted), "{ready} of {accepted}");
    assert_eq!((charged, dead), (0, 0), "{}", stack.logs());
}

async fn behind_a_proxy_to_s3() -> (Stack, TcpProxy, Process, Process) {
    let stack = Stack::new().await;
    let address = stack.s3_url("");
    let address = address.trim_start_matches("http://").trim_end_matches('/');
    let proxy = TcpProxy::start(Target::Tcp(address.into())).await.unwrap();
    let endpoint = format!("http://{}", proxy.address());
    let setting = [("MEDIAMILL_S3_ENDPOINT", &*endpoint)];
    let (api, worker) = (
        stack.api_with(&setting).await,
        stack.worker_with(&setting).await,
    );
    (stack, proxy, api, worker)
}

async fn behind_a_proxy_to_clamd() -> (Stack, TcpProxy, Process, Process) {
    let stack = Stack::new().await;
    let address = crate::stack::clamd().await;
    let target = match address.strip_prefix("unix:") {
        Some(path) => Target::Unix(path.into()),
        None => Target::Tcp(address.trim_start_matches("tcp://").into()),
    };
    let proxy = TcpProxy::start(target).await.unwrap();
    let setting = format!("tcp://{}", proxy.address());
    let (api, worker) = (stack.api().await, stack.worker_with_clamd(&setting).await);
    (stack, proxy, api, worker)
}

async fn behind_a_proxy_to_postgres() -> (Stack, TcpProxy, Process, Process) {
    let stack = Stack::new().await;
    let proxy = TcpProxy::to_database(stack.database_url()).await.unwrap();
    let url = proxy.url(stack.database_url());
    let setting = [("MEDIAMILL_DATABASE_URL", &*url)];
    let (api, worker) = (
        stack.api_with(&setting).await,
        stack.worker_with(&setting).await,
    );
    (stack, proxy, api, worker)
}

/// New connections are closed at once, and those that are open are cut.
fn refusing(proxy: &TcpProxy, away: bool) {
    proxy.refuse(away);
    if away {
        proxy.cut(Which::All);
    }
}

#[tokio::test]
#[ignore = "a quarter of an hour: ./just outages"]
async fn object_storage_that_refuses_connections() {
    let (stack, proxy, api, _worker) = behind_a_proxy_to_s3().await;
    play("S3 refusing", &stack, &api, async |away| {
        refusing(&proxy, away);
    })
    .await;
}

#[tokio::test]
#[ignore = "a quarter of an hour: ./just outages"]
async fn object_storage_that_does_not_answer() {
    let (stack, proxy, api, _worker) = behind_a_proxy_to_s3().await;
    play("S3 silent", &stack, &api, async |away| {
        proxy.partition(away);
    })
    .await;
}

#[tokio::test]
#[ignore = "a quarter of an hour: ./just outages"]
async fn a_scanner_that_is_gone() {
    let (stack, proxy, api, _worker) = behind_a_proxy_to_clamd().await;
    play("clamd gone", &stack, &api, async |away| {
        refusing(&proxy, away);
    })
    .await;
}

#[tokio::test]
#[ignore = "a quarter of an hour: ./just outages"]
async fn a_scanner_that_is_frozen() {
    let (stack, proxy, api, _worker) = behind_a_proxy_to_clamd().await;
    play("clamd frozen", &stack, &api, async |away| {
        proxy.partition(away);
    })
    .await;
}

#[tokio::test]
#[ignore = "a quarter of an hour: ./just outages"]
async fn a_database_that_refuses_connections() {
    let (stack, proxy, api, _worker) = behind_a_proxy_to_postgres().await;
    play("Postgres refusing", &stack, &api, async |away| {
        refusing(&proxy, away);
    })
    .await;
}

#[tokio::test]
#[ignore = "a quarter of an hour: ./just outages"]
async fn a_database_that_does_not_answer() {
    let (stack, proxy, api, _worker) = behind_a_proxy_to_postgres().await;
    play("Postgres silent", &stack, &api, async |away| {
        proxy.partition(away);
    })
    .await;
}

#[tokio::test]
#[ignore = "a quarter of an hour, as root: ./just outages"]
async fn a_scratch_disk_that_is_full() {
    let stack = Stack::new().await;
    let disk = stack.folder.path().join("disk");
    std::fs::create_dir_all(&disk).unwrap();
    let mounted = Mounted::small(&disk);
    let scratch = disk.join("scratch");
    let setting = [("MEDIAMILL_SCRATCH_DIR", scratch.to_str().unwrap())];
    let (api, _worker) = (stack.api().await, stack.worker_with(&setting).await);
    let filler = disk.join("somebody-elses");
    play("scratch full", &stack, &api, async |away| {
        if away {
            let mut copy = Command::new("dd");
            copy.args(["if=/dev/zero", "bs=64k", "status=none"]);
            copy.arg(format!("of={}", filler.display()));
            // It ends with "no space left on device".
            assert!(!copy.status().unwrap().success());
        } else {
            std::fs::remove_file(&filler).unwrap();
        }
    })
    .await;
    drop(mounted);
}

/// A file system of 64 MiB, for as long as this lives.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn small(at: &'a Path) -> Self {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]);
        assert!(
            mount.arg(at).status().unwrap().success(),
            "mounting a small disk takes root"
        );
        Self(at)
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}
