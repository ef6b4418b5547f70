//! Resumable uploads with clients that others wrote, and with processes that are killed.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use devkit::TcpProxy;
use media::{ObjectKey, Sha256, UploadId, keys, uploads};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use sha2::{Digest as _, Sha512};
use storage::Bucket;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
    sync::OnceCell,
    time::timeout,
};

use crate::{fixtures::large_photo, process::Process, stack::Stack};

/// The versions that are tried.
const TUS_JS: &str = "tus-js-client@4.3.1";
const TUS_PY: &str = "tuspy==1.1.0";

/// Where the clients are installed: once, and kept with what cargo has built.
async fn clients() -> &'static Path {
    static CLIENTS: OnceCell<PathBuf> = OnceCell::const_new();
    CLIENTS
        .get_or_init(async || {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("upload-clients");
            let done = folder.join(format!("{TUS_JS} {TUS_PY}"));
            if !done.exists() {
                std::fs::create_dir_all(&folder).unwrap();
                let mut npm = Command::new("npm");
                npm.args([
                    "install",
                    "--no-audit",
                    "--no-fund",
                    "--prefix",
                    ".",
                    TUS_JS,
                ]);
                let mut pip = Command::new("python3");
                pip.args(["-m", "pip", "install", "--quiet", "--target", "py", TUS_PY]);
                for mut command in [npm, pip] {
                    let output = command.current_dir(&folder).output().await.unwrap();
                    assert!(output.status.success(), "{output:?}");
                }
                std::fs::write(&done, "").unwrap();
            }
            folder
        })
        .await
}

async fn tus_js(endpoint: &str, key: &str, file: &Path, chunk: &str) -> Command {
    let module = clients()
        .await
        .join("node_modules/tus-js-client/lib.esm/node/index.js");
    let mut node = Command::new("node");
    node.arg(script("tus.mjs")).arg(module);
    node.args([endpoint, key])
        .arg(file)
        .args([chunk, "image/jpeg"]);
    node.kill_on_drop(true);
    node
}

/// A file in three uploads that become one.
fn beside_each_other(mut tus_js: Command) -> Command {
    tus_js.arg("3");
    tus_js
}

async fn tus_py(endpoint: &str, key: &str, file: &Path, chunk: &str) -> Command {
    let mut python = Command::new("python3");
    python
        .arg(script("tus.py"))
        .env("PYTHONPATH", clients().await.join("py"));
    python
        .args([endpoint, key])
        .arg(file)
        .args([chunk, "image/jpeg"]);
    python.kill_on_drop(true);
    python
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/e2e/clients")
        .join(name)
}

/// Path of the upload that a client says it has done.
async fn done(mut command: Command) -> String {
    let output = timeout(Duration::from_mins(2), command.output()).await;
    let output = output.expect("a client is done in time").unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let url = said.lines().find_map(|line| line.strip_prefix("done "));
    let url = url.unwrap_or_else(|| panic!("{said} {}", String::from_utf8_lossy(&output.stderr)));
    url[url.find("/v1/").expect(url)..].to_owned()
}

/// The file that an upload has become, in the end.
async fn ready(stack: &Stack, api: &str, path: &str) -> Value {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |path: String| {
        let answer = http
            .get(format!("{api}{path}"))
            .bearer_auth(&stack.key)
            .send();
        answer.await.unwrap().json::<Value>().await.unwrap()
    };
    let file_id = ask(path.to_owned()).await["file_id"]
        .as_str()
        .unwrap()
        .to_owned();
    for _ in 0..600 {
        let file = ask(format!("/v1/files/{file_id}")).await;
        if file["final"] == true {
            return file;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{file_id} has no end\n{}", stack.logs())
}

#[tokio::test]
async fn clients_that_others_wrote_send_whole_files() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let photo = large_photo(3000, 2500);
    let sha256 = Sha256::of(&photo).to_hex();
    let file = stack.file("photo.jpg", &photo);
    let endpoint = format!("{}/v1/resumable", api.ready);
    let (base, key) = (&endpoint, &stack.key);
    for command in [
        tus_js(base, key, &file, "0").await,
        tus_js(base, key, &file, "1000000").await,
        beside_each_other(tus_js(base, key, &file, "1000000").await),
        tus_py(base, key, &file, "1000000").await,
    ] {
        let path = done(command).await;
        let file = ready(&stack, &api.ready, &path).await;
        assert_eq!(file["status"], "READY", "{file}");
        assert_eq!(file["filename"], "photo.jpg");
        assert_eq!(file["sha256"], sha256, "{file}");
    }
    digests_are_held(&stack, &api.ready).await;
}

/// A SHA-512 of the whole file (RFC 9530) is compared with the bytes that were scanned.
async fn digests_are_held(stack: &Stack, api: &str) {
    let photo = large_photo(300, 200);
    let of = |bytes: &[u8]| {
        let digest = STANDARD.encode(Sha512::digest(bytes));
        format!("sha-512=:{digest}:")
    };
    for (digest, status) in [(of(&photo), "READY"), (of(b"other"), "REJECTED")] {
        let sent = reqwest::Client::new()
            .post(format!("{api}/v1/resumable"))
            .bearer_auth(&stack.key)
            .header("upload-complete", "?1")
            .header("repr-digest", digest)
            .body(photo.clone());
        let sent = sent.send().await.unwrap();
        let path = sent.headers()["location"].to_str().unwrap();
        let file = ready(stack, api, path).await;
        assert_eq!(file["status"], status, "{file}");
        if status == "REJECTED" {
            assert_eq!(file["rejection"]["code"], "checksum_mismatch");
        }
    }
}

#[tokio::test]
async fn a_client_goes_on_when_the_process_is_killed() {
    let stack = Stack::served_by_the_edge().await;
    let api = stack.api().await;
    let bytes = content(40_000_000, 1);
    let file = stack.file("large.jpg", &bytes);
    let endpoint = format!("{}/v1/resumable", api.ready);
    let client = done(tus_js(&endpoint, &stack.key, &file, "3000000").await);
    let client = tokio::spawn(client);
    stack
        .until("SELECT coalesce(max(offset_bytes), 0) > 10000000 FROM resumable_uploads")
        .await;
    api.kill_9().await;
    let _api = stack.api().await;
    let path = client.await.unwrap();
    assert_eq!(Sha256::of(&joined(&stack, &path).await), Sha256::of(&bytes));
}

#[tokio::test]
async fn a_process_that_is_told_to_end_keeps_what_has_come_and_ends() {
    let stack = Stack::new().await;
    let (api, other) = (stack.api().await, stack.api().await);
    let bytes = content(20_000_000, 9);
    let mut sending = Sending::begin(&stack, &api, None, 0, bytes.len()).await;
    let path = sending.location().await;
    sending
        .sender
        .write_all(&bytes[..15_000_000])
        .await
        .unwrap();
    stack
        .until("SELECT max(offset_bytes) > 12000000 FROM resumable_uploads")
        .await;
    // These are on the way when it ends.
    sending
        .sender
        .write_all(&bytes[15_000_000..15_100_000])
        .await
        .unwrap();
    let asked = Instant::now();
    api.signal(Signal::SIGTERM);
    assert_eq!(api.end().await, Some(0));
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(10), "took {took:?}");
    let at = offset(&stack, &other, &path).await;
    assert!((15_000_000..=15_100_000).contains(&at), "{at}");
    let mut rest = Sending::begin(&stack, &other, Some(&path), at, bytes.len() - at).await;
    rest.sender.write_all(&bytes[at..]).await.unwrap();
    rest.completed().await;
    assert_eq!(Sha256::of(&joined(&stack, &path).await), Sha256::of(&bytes));
}

/// So many uploads are cut; more by `RESUMABLE_CUTS`.
const CUTS: u64 = 6;

/// No byte that a client was told is kept may be lost, however the process dies.
#[tokio::test]
async fn nothing_that_was_confirmed_is_lost_when_processes_are_killed() {
    let stack = Stack::new().await;
    let cuts = std::env::var("RESUMABLE_CUTS").map_or(CUTS, |cuts| cuts.parse().unwrap());
    let mut apis = [stack.api().await, stack.api().await];
    for round in 0..cuts {
        let seed = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(std::process::id());
        let size = 1 + seed % 30_000_000;
        let bytes = content(size, seed);
        let cut = usize::try_from(1 + (seed >> 20) % size).unwrap();
        let wait = Duration::from_millis((seed >> 40) % 150);
        let ways = format!("round {round}: {cut} of {size} bytes, killed after {wait:?}");

        let mut first = Sending::begin(&stack, &apis[0], None, 0, bytes.len()).await;
        let path = first.location().await;
        let Sending {
            mut sender,
            reader,
            said,
        } = first;
        let killing = async {
            sender.write_all(&bytes[..cut]).await.ok();
            tokio::time::sleep(wait).await;
            let pid = Pid::from_raw(apis[0].id().cast_signed());
            kill(pid, Signal::SIGKILL).unwrap();
        };
        let (told, ()) = tokio::join!(acknowledged(reader, said, bytes.len()), killing);
        let at = offset(&stack, &apis[1], &path).await;
        assert!(
            told <= at && at <= bytes.len(),
            "{ways}: told {told}, kept {at}"
        );
        if at < bytes.len() || !is_complete(&stack, &path).await {
            let rest = &bytes[at..];
            let mut second = Sending::begin(&stack, &apis[1], Some(&path), at, rest.len()).await;
            second.sender.write_all(rest).await.unwrap();
            second.completed().await;
        }
        let kept = joined(&stack, &path).await;
        assert_eq!(
            Sha256::of(&kept),
            Sha256::of(&bytes),
            "{ways}, went on at {at}"
        );
        apis[0] = stack.api().await;
        apis.swap(0, 1);
    }
}

#[tokio::test]
async fn an_upload_that_is_not_finished_leaves_nothing() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let bytes = content(9_000_000, 3);
    let mut sending = Sending::begin(&stack, &api, None, 0, 10_000_000).await;
    let path = sending.location().await;
    sending.sender.write_all(&bytes).await.unwrap();
    while !sending.said.contains("Upload-Offset: 9000000\r\n") {
        assert!(sending.hear().await, "{}", sending.said);
    }
    let tails = keys::tails(id(&path));
    let tail: String = sqlx::query_scalar("SELECT tail_key FROM resumable_uploads")
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    assert!(tail.starts_with(tails.as_str()), "{tail}");
    let tail = ObjectKey::new(tail).unwrap();
    let there = stack.store.head(Bucket::Staging, &tail).await.unwrap();
    assert_eq!(there.unwrap().size_bytes, 9_000_000 - 6 * 1024 * 1024);

    let expire = "UPDATE uploads SET expires_at = now() - interval '1 second'";
    sqlx::query(expire).execute(&stack.pool).await.unwrap();
    let due = "UPDATE workflows.schedules SET next_at = now() WHERE name = 'upkeep'";
    sqlx::query(due).execute(&stack.pool).await.unwrap();
    stack
        .until("SELECT discarded_at IS NOT NULL FROM media_files")
        .await;
    assert_eq!(
        stack.store.head(Bucket::Staging, &tail).await.unwrap(),
        None
    );
    // The request has ended with its upload.
    while sending.hear().await {}
}

/// Uploads at a time, and how many bytes of memory each may cost: 16 MiB, and what the allocator keeps on a busy machine.
const AT_ONCE: u64 = 8;
const MEMORY: u64 = 20 * 1024 * 1024;

#[tokio::test]
async fn an_upload_holds_a_bounded_part_of_it_in_memory() {
    let stack = Stack::new().await;
    let proxy = TcpProxy::start(stack.s3_address()).await.unwrap();
    let endpoint = format!("http://{}", proxy.address());
    let api = stack
        .api_with(&[("MEDIAMILL_S3_ENDPOINT", &endpoint)])
        .await;
    let bytes = content(50_000_000, 7);
    let mut sendings = Vec::new();
    for _ in 0..AT_ONCE {
        let mut sending = Sending::begin(&stack, &api, None, 0, bytes.len()).await;
        sending.location().await;
        sendings.push(sending);
    }
    // What the process needs once is there.
    let mut small = Sending::begin(&stack, &api, None, 0, 1000).await;
    small.sender.write_all(&bytes[..1000]).await.unwrap();
    small.completed().await;
    let before = memory(&api, "VmRSS");
    // A slow store, so that all have a part on its way and read ahead.
    proxy.latency(Duration::from_millis(500));
    let uploads = sendings.into_iter().map(async |mut sending| {
        sending.sender.write_all(&bytes).await.unwrap();
        sending.completed().await;
    });
    futures::future::join_all(uploads).await;
    let each = (memory(&api, "VmHWM") - before) / AT_ONCE;
    println!("{each} bytes of memory for each of {AT_ONCE} uploads");
    assert!(each < MEMORY, "{each} bytes for each upload");
}

/// A line of `/proc/<pid>/status`, in bytes.
fn memory(api: &Process, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", api.id())).unwrap();
    let line = status.lines().find_map(|found| found.strip_prefix(line));
    let kib = line.unwrap().trim_matches(|c: char| !c.is_ascii_digit());
    kib.parse::<u64>().unwrap() * 1024
}

/// Bytes that depend on the seed and repeat nowhere near.
fn content(size: u64, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let words = usize::try_from(size.div_ceil(8)).unwrap();
    let mut bytes: Vec<u8> = (0..words).flat_map(|_| next().to_le_bytes()).collect();
    bytes.truncate(usize::try_from(size).unwrap());
    bytes
}

/// A request of the IETF's protocol that sends the rest of a file.
struct Sending {
    sender: tokio::net::tcp::OwnedWriteHalf,
    reader: tokio::net::tcp::OwnedReadHalf,
    said: String,
}

impl Sending {
    async fn begin(
        stack: &Stack,
        api: &Process,
        path: Option<&str>,
        offset: usize,
        rest: usize,
    ) -> Self {
        let address = api.ready.trim_start_matches("http://");
        let stream = TcpStream::connect(address).await.unwrap();
        let (reader, mut sender) = stream.into_split();
        let line = match path {
            None => "POST /v1/resumable".to_owned(),
            Some(path) => format!("PATCH {path}"),
        };
        let more = match path {
            None => String::new(),
            Some(_) => {
                format!("upload-offset: {offset}\r\ncontent-type: application/partial-upload\r\n")
            }
        };
        let key = &stack.key;
        let head = format!(
            "{line} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\nupload-complete: ?1\r\n\
             upload-draft-interop-version: 8\r\ncontent-length: {rest}\r\n{more}\r\n"
        );
        sender.write_all(head.as_bytes()).await.unwrap();
        let said = String::new();
        Self {
            sender,
            reader,
            said,
        }
    }

    /// Reads what the server says; `false` when the connection has ended.
    async fn hear(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let read = timeout(Duration::from_secs(30), self.reader.read(&mut buffer)).await;
        let read = read
            .expect("the server says something, or is gone")
            .unwrap_or(0);
        self.said += &String::from_utf8_lossy(&buffer[..read]);
        read > 0
    }

    async fn location(&mut self) -> String {
        while !self.said.contains("\r\n\r\n") {
            assert!(self.hear().await, "{}", self.said);
        }
        let line = self
            .said
            .lines()
            .find_map(|line| line.strip_prefix("Location: "));
        line.unwrap_or_else(|| panic!("{}", self.said)).to_owned()
    }

    async fn completed(&mut self) {
        while !self.said.contains("HTTP/1.1 200") {
            assert!(self.hear().await, "{}", self.said);
        }
    }
}

/// The last offset that the server has told before it was gone; the whole, if it has told that all is there.
async fn acknowledged(
    mut reader: tokio::net::tcp::OwnedReadHalf,
    mut said: String,
    whole: usize,
) -> usize {
    let mut rest = Vec::new();
    let read = timeout(Duration::from_secs(30), reader.read_to_end(&mut rest)).await;
    // It is killed: a connection that is reset has ended, too.
    let _ = read.expect("a killed process says no more");
    said += &String::from_utf8_lossy(&rest);
    if said.contains("HTTP/1.1 200") {
        return whole;
    }
    let offsets = said
        .lines()
        .filter_map(|line| line.strip_prefix("Upload-Offset: "));
    offsets
        .map(|offset| offset.parse().unwrap())
        .max()
        .unwrap_or(0)
}

async fn offset(stack: &Stack, api: &Process, path: &str) -> usize {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http
        .head(format!("{}{path}", api.ready))
        .bearer_auth(&stack.key)
        .send();
    let answer = answer.await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    answer.headers()["upload-offset"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
}

fn id(path: &str) -> UploadId {
    UploadId(path.rsplit('/').next().unwrap().parse().unwrap())
}

async fn is_complete(stack: &Stack, path: &str) -> bool {
    let mut connection = stack.pool.acquire().await.unwrap();
    let upload = uploads::load(&mut connection, id(path))
        .await
        .unwrap()
        .unwrap();
    matches!(upload.state, uploads::UploadState::Completed(_))
}

/// What the store holds of a completed upload, joined as its run would join it.
async fn joined(stack: &Stack, path: &str) -> Vec<u8> {
    let mut connection = stack.pool.acquire().await.unwrap();
    let upload = uploads::load(&mut connection, id(path))
        .await
        .unwrap()
        .unwrap();
    let parts = uploads::confirmed_parts(&mut connection, id(path))
        .await
        .unwrap();
    let (key, s3_id) = (&upload.object_key, upload.s3_upload_id.unwrap());
    let object = stack
        .store
        .complete_multipart(key, &s3_id, &parts)
        .await
        .unwrap();
    assert_eq!(object.size_bytes, upload.plan.size_bytes);
    let mut object = stack.store.get(Bucket::Staging, key, None).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = futures::TryStreamExt::try_next(&mut object.body)
        .await
        .unwrap()
    {
        bytes.extend_from_slice(&chunk);
    }
    bytes
}
