//! The private services alone, for benchmarks that start the other processes themselves.
//!
//! `cargo run --release -p devkit --example services FOLDER` prints the settings that lead to them, a line each, and then
//! `ready`. They stop when standard input ends.

use std::error::Error;
use std::io::{Write as _, stdout};
use std::path::PathBuf;

use devkit::s3::{S3Options, S3Server};
use devkit::{Clamd, ClamdOptions, Postgres, PostgresOptions};
use storage::{ObjectStore, StorageConfig};
use tokio::io::AsyncReadExt as _;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("services FOLDER")?);
    devkit::close_data_folder(&folder)?;
    let postgres = Postgres::start(PostgresOptions {
        data_dir: folder.join("postgres"),
        fsync: true,
    });
    let clamd = Clamd::start(ClamdOptions::new(folder.join("clamd")));
    let (mut postgres, clamd) = tokio::try_join!(postgres, clamd)?;
    postgres.create_database("mediamill").await?;
    let (access_key_id, secret_access_key) = ("bench".to_owned(), "bench-secret".to_owned());
    let s3 = S3Server::start(S3Options {
        root: folder.join("s3"),
        listen: "127.0.0.1:0".parse()?,
        access_key_id: access_key_id.clone(),
        secret_access_key: secret_access_key.clone(),
        cors_origins: Vec::new(),
        sync_writes: false,
    })
    .await?;
    let storage = StorageConfig {
        endpoint: Some(format!("http://{}", s3.addr())),
        public_endpoint: None,
        region: "us-east-1".into(),
        access_key_id: access_key_id.clone(),
        secret_access_key: secret_access_key.clone(),
        path_style: true,
        staging_bucket: "mediamill-staging".into(),
        origin_bucket: "mediamill-origin".into(),
    };
    ObjectStore::new(&storage).ensure_buckets().await?;
    for (name, value) in [
        ("MEDIAMILL_DATABASE_URL", postgres.url("mediamill")),
        ("MEDIAMILL_CLAMD", clamd.addr().clone()),
        ("MEDIAMILL_S3_ENDPOINT", format!("http://{}", s3.addr())),
        ("MEDIAMILL_S3_ACCESS_KEY_ID", access_key_id),
        ("MEDIAMILL_S3_SECRET_ACCESS_KEY", secret_access_key),
    ] {
        writeln!(stdout(), "{name}={value}")?;
    }
    writeln!(stdout(), "ready")?;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    tokio::join!(s3.stop(), clamd.stop(), postgres.stop());
    Ok(())
}
