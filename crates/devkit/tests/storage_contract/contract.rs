//! A store with two fresh buckets, and ways to speak to it.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use devkit::s3::{S3Options, S3Server};
use futures::TryStreamExt as _;
use reqwest::{Method, Response};
use storage::{Bucket, ObjectKey, ObjectStore, PresignedRequest, StorageConfig};

pub const MIB: usize = 1 << 20;
pub const HOUR: Duration = Duration::from_hours(1);
pub const ORIGIN: &str = "http://pages.example";

/// A store under test.
pub struct Contract {
    /// The project's client.
    pub store: ObjectStore,
    /// The plain SDK, with its own defaults, for what the project's client does not do.
    pub s3: Client,
    /// Plain HTTP, as a browser would speak it.
    pub http: reqwest::Client,
    pub config: StorageConfig,
    /// `None` when the store is somebody else's.
    pub embedded: Option<Embedded>,
}

/// The server of this test and its folder.
pub struct Embedded {
    pub server: S3Server,
    pub root: PathBuf,
    /// Removed when dropped.
    pub folder: tempfile::TempDir,
}

impl Contract {
    pub async fn new() -> Self {
        let embedded = if env::var("S3_CONTRACT_ENDPOINT").is_ok() {
            None
        } else {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("s3");
            let server = S3Server::start(options(&root)).await.unwrap();
            Some(Embedded {
                server,
                root,
                folder,
            })
        };
        let setting = |name: &str, default: &str| env::var(name).unwrap_or(default.to_owned());
        let endpoint = match &embedded {
            Some(embedded) => format!("http://{}", embedded.server.addr()),
            None => setting("S3_CONTRACT_ENDPOINT", ""),
        };
        let run = chrono::Utc::now().timestamp_nanos_opt().unwrap();
        let config = StorageConfig {
            endpoint: Some(endpoint),
            public_endpoint: None,
            region: setting("S3_CONTRACT_REGION", "us-east-1"),
            access_key_id: setting("S3_CONTRACT_ACCESS_KEY", "test-key"),
            secret_access_key: setting("S3_CONTRACT_SECRET_KEY", "test-secret"),
            path_style: true,
            staging_bucket: format!("staging-{run}"),
            origin_bucket: format!("origin-{run}"),
        };
        let store = ObjectStore::new(&config);
        store.ensure_buckets().await.unwrap();
        Self {
            store,
            s3: plain_client(&config),
            http: reqwest::Client::new(),
            config,
            embedded,
        }
    }

    pub fn staging(&self) -> &str {
        &self.config.staging_bucket
    }

    pub fn origin(&self) -> &str {
        &self.config.origin_bucket
    }

    /// `PUT`s with the plain SDK and returns the `ETag`.
    pub async fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) -> String {
        let put = self
            .s3
            .put_object()
            .bucket(self.staging())
            .key(key)
            .body(bytes.into().into());
        put.send().await.unwrap().e_tag.unwrap()
    }

    /// The whole object from staging, or `None`.
    pub async fn bytes(&self, key: &str) -> Option<Vec<u8>> {
        self.bytes_of(Bucket::Staging, key).await
    }

    pub async fn bytes_of(&self, bucket: Bucket, key: &str) -> Option<Vec<u8>> {
        match self.store.get(bucket, &object_key(key), None).await {
            Ok(object) => Some(read(object.body).await),
            Err(storage::StorageError::NotFound) => None,
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Sends a signed request as it stands.
    pub async fn send(&self, signed: &PresignedRequest, body: Vec<u8>) -> Response {
        let method = Method::from_bytes(signed.method.as_bytes()).unwrap();
        let mut request = self.http.request(method, &signed.url).body(body);
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        request.send().await.unwrap()
    }

    /// A signed `GET` of a staging object.
    pub async fn signed_get(&self, key: &str) -> String {
        let get = self.s3.get_object().bucket(self.staging()).key(key);
        get.presigned(PresigningConfig::expires_in(HOUR).unwrap())
            .await
            .unwrap()
            .uri()
            .to_owned()
    }

    /// Sends a part through a signed URL and returns its `ETag`.
    pub async fn part(&self, key: &ObjectKey, id: &str, number: u16, bytes: Vec<u8>) -> String {
        let length = bytes.len() as u64;
        let signed = self
            .store
            .presign_part(key, id, number, length, HOUR)
            .await
            .unwrap();
        let answer = self.send(&signed, bytes).await;
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        answer.headers()["etag"].to_str().unwrap().to_owned()
    }
}

pub fn options(root: &Path) -> S3Options {
    S3Options {
        root: root.to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        access_key_id: "test-key".to_owned(),
        secret_access_key: "test-secret".to_owned(),
        cors_origins: vec![ORIGIN.to_owned()],
        sync_writes: false,
    }
}

pub fn plain_client(config: &StorageConfig) -> Client {
    let (key, secret) = (
        config.access_key_id.clone(),
        config.secret_access_key.clone(),
    );
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(config.endpoint.clone().unwrap())
        .region(Region::new(config.region.clone()))
        .credentials_provider(Credentials::new(key, secret, None, None, "test"))
        .force_path_style(true);
    Client::from_conf(config.build())
}

pub fn object_key(key: &str) -> ObjectKey {
    key.parse().unwrap()
}

/// Bytes that differ from place to place, so that a piece in the wrong place shows.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub async fn read<E: std::fmt::Debug>(
    body: impl futures::Stream<Item = Result<bytes::Bytes, E>>,
) -> Vec<u8> {
    let chunks: Vec<bytes::Bytes> = body.try_collect().await.unwrap();
    chunks.concat()
}

/// The S3 error code of a failed SDK call.
pub fn code<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug, R: std::fmt::Debug>(
    answer: Result<T, SdkError<E, R>>,
) -> String {
    answer.unwrap_err().code().unwrap_or_default().to_owned()
}
