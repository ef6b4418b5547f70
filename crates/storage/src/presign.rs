//! Signed URLs: a client's right to send exactly so many bytes to one key or one part, for a while.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning;
use chrono::{DateTime, Utc};

use super::{Bucket, ObjectKey, ObjectStore, StorageError};

/// Headers that every HTTP client derives from the URL and body; browsers refuse to have them set.
const IMPLIED_HEADERS: [&str; 2] = ["host", "content-length"];

/// A request that the client may send as it stands. The URL is a credential: it is not for logs.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedRequest {
    /// HTTP method.
    pub method: String,
    /// URL at the public endpoint, signature included.
    pub url: String,
    /// Headers to send besides `Host` and `Content-Length`, which are signed too and follow from URL and body.
    pub headers: Vec<(String, String)>,
    /// When the store begins to refuse it, in whole seconds as it is signed.
    pub expires_at: DateTime<Utc>,
}

impl fmt::Debug for PresignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.split('?').next().unwrap_or_default();
        f.debug_struct("PresignedRequest")
            .field("method", &self.method)
            .field("url", &format_args!("{url}?[redacted]"))
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl ObjectStore {
    /// Signs a `PUT` of a whole object of exactly `content_length` bytes to staging.
    ///
    /// The URL stays valid after the upload, so whoever holds it can overwrite the object until it expires:
    /// copy the object away before trusting its bytes. `expires_in` is at most 7 days.
    pub async fn presign_put(
        &self,
        key: &ObjectKey,
        content_length: u64,
        expires_in: Duration,
    ) -> Result<PresignedRequest, StorageError> {
        const OPERATION: &str = "PutObject";
        let (signing, expires_at) = signing(OPERATION, expires_in)?;
        let request = self
            .presigner
            .put_object()
            .bucket(self.bucket_name(Bucket::Staging))
            .key(key.as_str())
            .content_length(length(OPERATION, content_length)?)
            .presigned(signing)
            .await
            .map_err(|error| StorageError::from_sdk(OPERATION, error))?;
        Ok(signed(&request, expires_at))
    }

    /// Signs a `PUT` of one part of exactly `content_length` bytes. `part_number` counts from 1 to 10,000.
    pub async fn presign_part(
        &self,
        key: &ObjectKey,
        upload_id: &str,
        part_number: u16,
        content_length: u64,
        expires_in: Duration,
    ) -> Result<PresignedRequest, StorageError> {
        const OPERATION: &str = "UploadPart";
        let (signing, expires_at) = signing(OPERATION, expires_in)?;
        let request = self
            .presigner
            .upload_part()
            .bucket(self.bucket_name(Bucket::Staging))
            .key(key.as_str())
            .upload_id(upload_id)
            .part_number(i32::from(part_number))
            .content_length(length(OPERATION, content_length)?)
            .presigned(signing)
            .await
            .map_err(|error| StorageError::from_sdk(OPERATION, error))?;
        Ok(signed(&request, expires_at))
    }

    /// Signs `PUT`s of parts, each by its number, from 1 to 10,000, and its exact length in bytes.
    pub async fn presign_parts(
        &self,
        key: &ObjectKey,
        upload_id: &str,
        parts: &[(u16, u64)],
        expires_in: Duration,
    ) -> Result<Vec<PresignedRequest>, StorageError> {
        let Some((number, length)) = parts.first() else {
            return Ok(Vec::new());
        };
        // The SDK knows where the store is and how its buckets are addressed.
        let first = self.presign_part(key, upload_id, *number, *length, expires_in);
        let first = first.await?;
        let address = first.url.split('?').next().unwrap_or_default();
        let expires_at = first.expires_at;
        let expires_in = Duration::from_secs(expires_in.as_secs());
        let from = SystemTime::from(expires_at) - expires_in;
        let urls = self
            .signer
            .parts(address, upload_id, parts, from, expires_in)?;
        let request = |url| PresignedRequest {
            method: first.method.clone(),
            url,
            headers: first.headers.clone(),
            expires_at,
        };
        Ok(urls.into_iter().map(request).collect())
    }
}

/// Now, in whole seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "the store compares it with its own clock"
)]
pub(crate) fn signing_time() -> DateTime<Utc> {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seconds = Duration::from_secs(since_epoch.unwrap_or_default().as_secs());
    DateTime::from(SystemTime::UNIX_EPOCH + seconds)
}

fn signing(
    operation: &'static str,
    expires_in: Duration,
) -> Result<(presigning::PresigningConfig, DateTime<Utc>), StorageError> {
    // Signatures count whole seconds, from a start whose fraction is dropped (SigV4).
    let now = SystemTime::from(signing_time());
    let expires_in = Duration::from_secs(expires_in.as_secs());
    let config = presigning::PresigningConfig::builder()
        .start_time(now)
        .expires_in(expires_in)
        .build()
        .map_err(StorageError::protocol(operation))?;
    Ok((config, DateTime::from(now + expires_in)))
}

fn length(operation: &'static str, content_length: u64) -> Result<i64, StorageError> {
    i64::try_from(content_length).map_err(StorageError::protocol(operation))
}

fn signed(request: &presigning::PresignedRequest, expires_at: DateTime<Utc>) -> PresignedRequest {
    let headers = request
        .headers()
        .filter(|(name, _)| {
            !IMPLIED_HEADERS
                .iter()
                .any(|implied| name.eq_ignore_ascii_case(implied))
        })
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    PresignedRequest {
        method: request.method().to_owned(),
        url: request.uri().to_owned(),
        headers,
        expires_at,
    }
}
