//! Signed addresses: a right to send so many bytes to one key for a while, and none to anything else.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::PresigningConfig;
use reqwest::{Method, StatusCode, header};

use super::{Checks, Tried};
use crate::{Bucket, ObjectKey, ObjectStore, StorageError};

const OPERATION: &str = "PutObject";
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
pub(super) const SIGNED: &str = "signed";
const LONGER: &str = "longer than what was signed";

impl Checks<'_> {
    pub(super) async fn signed(&mut self, origin: Option<&str>) {
        let (store, http) = (self.store, self.http.clone());
        let promise = "a header that is not signed is not obeyed";
        let unsigned = async {
            match store.prove_refuses_unsigned_headers().await {
                Ok(()) => Ok(true),
                Err(StorageError::ObeysUnsignedHeaders) => Ok(false),
                Err(error) => Err(error),
            }
        };
        self.require("unsigned_headers", promise, Box::pin(unsigned).await);

        let key = self.key("tampered");
        let tampered = async {
            let url = sign(store, &key, now()).await?;
            let good = put(&http, &url, SIGNED).await?;
            let bad = put(&http, &format!("{url}0"), SIGNED).await?;
            Ok(good.is_success() && bad.is_client_error())
        };
        let promise =
            "an address whose signature is not right is refused, and one that is right is not";
        self.require("signatures", promise, Box::pin(tampered).await);

        let key = self.key("expired");
        let expired = async {
            let url = sign(store, &key, now() - Duration::from_hours(2)).await?;
            refused(store, &key, put(&http, &url, SIGNED).await?).await
        };
        let promise = "an address that has expired is refused";
        self.require("expiry", promise, Box::pin(expired).await);

        let key = self.key("length");
        let length = async {
            let url = sign(store, &key, now()).await?;
            refused(store, &key, put(&http, &url, LONGER).await?).await
        };
        let promise = "more bytes than were signed for are refused";
        let instead = "sizes are compared when an upload is completed";
        self.prefer("signed_length", promise, instead, Box::pin(length).await);

        let key = self.key("private");
        let private = private(store, &http, &key);
        let promise = "nobody reads an object without a signature";
        self.require("private_buckets", promise, Box::pin(private).await);

        if let Some(origin) = origin {
            let key = self.key("page");
            let cors = cors(store, &http, &key, origin);
            let promise = "pages of the origin may send to signed addresses and read the ETag";
            let instead = "pages of the origin cannot upload; `mediamill storage setup` allows it";
            self.prefer("cors", promise, instead, Box::pin(cors).await);
        }
    }
}

/// A client that never waits long and takes no proxy into account.
pub(super) fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .timeout(PATIENCE)
        .build()
        .unwrap_or_default()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the store compares it with its own clock"
)]
pub(super) fn now() -> SystemTime {
    SystemTime::now()
}

pub(super) async fn sign(
    store: &ObjectStore,
    key: &ObjectKey,
    from: SystemTime,
) -> Result<String, StorageError> {
    let signing = PresigningConfig::builder()
        .start_time(from)
        .expires_in(Duration::from_mins(1))
        .build()
        .map_err(StorageError::protocol(OPERATION))?;
    let signed = store
        .client
        .put_object()
        .bucket(store.bucket_name(Bucket::Staging))
        .key(key.as_str())
        .content_length(
            SIGNED
                .len()
                .try_into()
                .map_err(StorageError::protocol(OPERATION))?,
        )
        .presigned(signing)
        .await
        .map_err(|error| StorageError::from_sdk(OPERATION, error))?;
    Ok(signed.uri().to_owned())
}

pub(super) async fn send(
    request: reqwest::RequestBuilder,
) -> Result<reqwest::Response, StorageError> {
    let answer = request.send().await;
    // The URL is a credential.
    let answer = answer.map_err(|error| StorageError::Unavailable {
        operation: OPERATION,
        source: error.without_url().into(),
    })?;
    if answer.status().is_server_error() {
        let source = format!("a signed address was answered with {}", answer.status()).into();
        let operation = OPERATION;
        return Err(StorageError::Unavailable { operation, source });
    }
    Ok(answer)
}

async fn put(
    http: &reqwest::Client,
    url: &str,
    body: &'static str,
) -> Result<StatusCode, StorageError> {
    Ok(send(http.put(url).body(body)).await?.status())
}

/// Whether a request was refused, and left nothing.
async fn refused(store: &ObjectStore, key: &ObjectKey, status: StatusCode) -> Tried {
    let stored = store.head(Bucket::Staging, key).await?;
    Ok(status.is_client_error() && stored.is_none())
}

async fn private(store: &ObjectStore, http: &reqwest::Client, key: &ObjectKey) -> Tried {
    for bucket in [Bucket::Staging, Bucket::Origin] {
        let signing = PresigningConfig::expires_in(Duration::from_mins(1))
            .map_err(StorageError::protocol(OPERATION))?;
        let body = bytes::Bytes::from_static(SIGNED.as_bytes());
        store
            .put_bytes(bucket, key, body, "text/plain", None)
            .await?;
        let signed = store
            .client
            .get_object()
            .bucket(store.bucket_name(bucket))
            .key(key.as_str())
            .presigned(signing)
            .await
            .map_err(|error| StorageError::from_sdk("GetObject", error))?;
        let bare = signed.uri().split('?').next().unwrap_or_default();
        if send(http.get(bare)).await?.status().is_success() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A browser asks before it sends (Fetch, *CORS-preflight request*), and shows a page the `ETag` only if it may.
async fn cors(store: &ObjectStore, http: &reqwest::Client, key: &ObjectKey, origin: &str) -> Tried {
    let url = sign(store, key, now()).await?;
    let ask = http
        .request(Method::OPTIONS, &url)
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "PUT");
    let asked = send(ask).await?;
    let allowed = |answer: &reqwest::Response| {
        let allowed = answer.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        allowed.is_some_and(|allowed| allowed == origin || allowed == "*")
    };
    if !asked.status().is_success() || !allowed(&asked) {
        return Ok(false);
    }
    let sent = send(http.put(&url).header(header::ORIGIN, origin).body(SIGNED)).await?;
    let exposed = sent
        .headers()
        .get_all(header::ACCESS_CONTROL_EXPOSE_HEADERS);
    let exposed = exposed.iter().filter_map(|names| names.to_str().ok());
    let mut exposed = exposed.flat_map(|names| names.split(','));
    let etag = exposed.any(|name| ["etag", "*"].contains(&name.trim().to_lowercase().as_str()));
    Ok(allowed(&sent) && etag)
}
