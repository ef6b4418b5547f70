//! How fast the embedded S3 server moves 1 GiB, beside what the machine can do at all.
//!
//! `cargo run --release -p devkit --example storage_throughput`
//!
//! Puts 128 signed parts of 8 MiB over one and over four connections, completes, and gets the object. The limits are
//! measured in the same run: one thread writing and reading a plain file of the same size in the same folder, one core
//! computing MD5, which S3's `ETag` demands, and one plain TCP connection over loopback. Client and server share the cores. Prints a table and appends one
//! JSON line per measure to `bench/results/storage.jsonl`. Not a test: nothing here can fail for being slow.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use devkit::s3::{S3Options, S3Server};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use s3s::crypto::{Checksum as _, Md5};
use storage::{Bucket, ObjectKey, ObjectStore, StorageConfig};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const MIB: usize = 1 << 20;
const PART_BYTES: usize = 8 * MIB;
const PARTS: u16 = 128;
const TOTAL_MIB: f64 = 1024.0;
const RESULTS: &str = "bench/results/storage.jsonl";

#[tokio::main]
async fn main() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let part = Bytes::from(pattern());
    let limits = Limits::measure(&folder.path().join("plain"), &part)?;
    let mut report = Report::create()?;
    report.line("plain_file_write", limits.write, None)?;
    report.line("plain_file_read", limits.read, None)?;
    report.line("md5_one_core", limits.md5, None)?;
    report.line("loopback_tcp", limits.loopback, None)?;

    let server = S3Server::start(options(&folder.path().join("s3"))).await?;
    let store = ObjectStore::new(&storage(&server));
    store.ensure_buckets().await?;
    for connections in [1, 4] {
        let key: ObjectKey = format!("bench/{connections}").parse()?;
        let (put, complete) = put_parts(&store, &key, &part, connections).await?;
        // A single body can be hashed no faster than by one core, several by several.
        let cores = std::thread::available_parallelism()?.get().min(connections);
        let md5 = limits.md5 * f64::from(u8::try_from(cores)?);
        let limit = limits.write.min(limits.loopback).min(md5);
        report.line(&format!("put_{connections}_connections"), put, Some(limit))?;
        report.milliseconds(&format!("complete_{connections}"), complete)?;
        report.line(
            &format!("get_{connections}"),
            get(&store, &key).await?,
            Some(limits.read.min(limits.loopback)),
        )?;
        store.delete(Bucket::Staging, &key).await?;
    }
    server.stop().await;
    Ok(())
}

/// MiB/s of this machine without any server.
struct Limits {
    write: f64,
    read: f64,
    md5: f64,
    loopback: f64,
}

impl Limits {
    fn measure(path: &Path, part: &Bytes) -> Outcome<Self> {
        let started = Instant::now();
        let mut file = File::create(path)?;
        for _ in 0..PARTS {
            file.write_all(part)?;
        }
        drop(file);
        let write = rate(started.elapsed());

        let started = Instant::now();
        let mut file = File::open(path)?;
        let mut buffer = vec![0; MIB];
        while file.read(&mut buffer)? > 0 {}
        let read = rate(started.elapsed());
        fs::remove_file(path)?;

        let started = Instant::now();
        for _ in 0..PARTS {
            std::hint::black_box(Md5::checksum(part));
        }
        let md5 = rate(started.elapsed());
        let loopback = loopback(part)?;
        Ok(Self {
            write,
            read,
            md5,
            loopback,
        })
    }
}

/// MiB/s of one plain TCP connection of this machine with itself.
fn loopback(part: &Bytes) -> Outcome<f64> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let started = Instant::now();
    let sender = std::thread::spawn({
        let part = part.clone();
        move || -> std::io::Result<()> {
            let mut stream = TcpStream::connect(address)?;
            (0..PARTS).try_for_each(|_| stream.write_all(&part))
        }
    });
    let (mut stream, _) = listener.accept()?;
    let mut buffer = vec![0; MIB];
    while stream.read(&mut buffer)? > 0 {}
    sender.join().map_err(|_| "the sender panicked")??;
    Ok(rate(started.elapsed()))
}

/// MiB/s of the parts, and the time of the completion.
async fn put_parts(
    store: &ObjectStore,
    key: &ObjectKey,
    part: &Bytes,
    connections: usize,
) -> Outcome<(f64, Duration)> {
    let upload_id = store.create_multipart(key).await?;
    let mut requests = Vec::new();
    for number in 1..=PARTS {
        let length = part.len() as u64;
        let hour = Duration::from_hours(1);
        requests.push(
            store
                .presign_part(key, &upload_id, number, length, hour)
                .await?,
        );
    }
    let http = reqwest::Client::new();
    let started = Instant::now();
    stream::iter(requests)
        .map(|request| http.put(request.url).body(part.clone()).send())
        .buffer_unordered(connections)
        .map(|answer| answer.and_then(reqwest::Response::error_for_status))
        .try_for_each(async |_| Ok(()))
        .await?;
    let put = rate(started.elapsed());
    let parts = store.list_parts(key, &upload_id).await?;
    let started = Instant::now();
    store.complete_multipart(key, &upload_id, &parts).await?;
    Ok((put, started.elapsed()))
}

async fn get(store: &ObjectStore, key: &ObjectKey) -> Outcome<f64> {
    let started = Instant::now();
    let object = store.get(Bucket::Staging, key, None).await?;
    let size = object
        .body
        .try_fold(0, async |size, bytes| Ok(size + bytes.len()))
        .await?;
    assert_eq!(size, PART_BYTES * usize::from(PARTS));
    Ok(rate(started.elapsed()))
}

fn rate(elapsed: Duration) -> f64 {
    TOTAL_MIB / elapsed.as_secs_f64()
}

/// 8 MiB that no file system stores as a hole.
fn pattern() -> Vec<u8> {
    let bytes = (0u32..).flat_map(|n| n.wrapping_mul(0x9E37_79B9).to_le_bytes());
    bytes.take(PART_BYTES).collect()
}

/// Measures, to the screen and to the results file.
struct Report {
    file: File,
}

impl Report {
    fn create() -> Outcome<Self> {
        let path = Path::new(RESULTS);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        Ok(Self {
            file: OpenOptions::new().create(true).append(true).open(path)?,
        })
    }

    fn line(&mut self, measure: &str, rate: f64, limit: Option<f64>) -> Outcome<()> {
        let share = limit.map(|limit| rate / limit);
        match share {
            Some(share) => println!("{measure:24} {rate:8.0} MiB/s  {share:5.2} of the limit"),
            None => println!("{measure:24} {rate:8.0} MiB/s"),
        }
        let details = serde_json::json!({"size_mib": TOTAL_MIB, "limit": limit, "share": share});
        self.write(measure, rate, "MiB/s", &details)
    }

    fn milliseconds(&mut self, measure: &str, elapsed: Duration) -> Outcome<()> {
        let milliseconds = elapsed.as_secs_f64() * 1000.0;
        println!("{measure:24} {milliseconds:8.1} ms");
        self.write(
            measure,
            milliseconds,
            "ms",
            &serde_json::json!({"parts": PARTS}),
        )
    }

    fn write(
        &mut self,
        measure: &str,
        value: f64,
        unit: &str,
        details: &serde_json::Value,
    ) -> Outcome<()> {
        let line = serde_json::json!({
            "measure": format!("storage.{measure}"),
            "value": value,
            "unit": unit,
            "details": details,
        });
        Ok(writeln!(self.file, "{line}")?)
    }
}

fn options(root: &Path) -> S3Options {
    S3Options {
        root: root.to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        access_key_id: "bench".to_owned(),
        secret_access_key: "bench-secret".to_owned(),
        cors_origins: Vec::new(),
        sync_writes: false,
    }
}

fn storage(server: &S3Server) -> StorageConfig {
    StorageConfig {
        endpoint: Some(format!("http://{}", server.addr())),
        public_endpoint: None,
        region: "us-east-1".to_owned(),
        access_key_id: "bench".to_owned(),
        secret_access_key: "bench-secret".to_owned(),
        path_style: true,
        staging_bucket: "staging".to_owned(),
        origin_bucket: "origin".to_owned(),
    }
}
