//! Proof that a signed URL is a right to send bytes and nothing else.
//!
//! `x-amz-copy-source` makes an upload a copy of any object that our key may read. Stores must refuse
//! it, and every header of that kind, where it is not signed. Some obey: there every client could
//! read every file.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use uuid::Uuid;

use super::{Bucket, ObjectKey, ObjectStore, StorageError, check::PREFIX};

const OPERATION: &str = "PutObject";
/// Patience with one request.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The two differ in length, which tells which of them was stored.
const SOURCE: &str = "what must not be copied";
const SENT: &str = "what was sent";

impl ObjectStore {
    /// Proves with two small uploads to staging that an unsigned `x-amz-copy-source` is not obeyed,
    /// else [`StorageError::ObeysUnsignedHeaders`]. A service should not run over a store that does.
    ///
    /// Asks the endpoint that this process talks to, since the one that clients see may be out of reach.
    pub async fn prove_refuses_unsigned_headers(&self) -> Result<(), StorageError> {
        let key = |name: &str| ObjectKey::new(format!("{PREFIX}{}-{name}", Uuid::now_v7()));
        let (Ok(source), Ok(target)) = (key("source"), key("target")) else {
            unreachable!("a name of fixed letters is a key");
        };
        let proven = self.prove(&source, &target).await;
        for key in [&source, &target] {
            // What stays behind is a few bytes, which say what they are.
            if let Err(error) = self.delete(Bucket::Staging, key).await {
                tracing::warn!(storage.key = %key, %error, "could not delete what a proof left");
            }
        }
        proven
    }

    async fn prove(&self, source: &ObjectKey, target: &ObjectKey) -> Result<(), StorageError> {
        let plain = self.put_signed(source, SOURCE, None).await?;
        if plain != 200 {
            return Err(refused(plain));
        }
        let copy_source = format!("/{}/{source}", self.bucket_name(Bucket::Staging));
        let answered = self.put_signed(target, SENT, Some(&copy_source)).await?;
        match self.head(Bucket::Staging, target).await? {
            // One that ignores the header has stored what was sent, which is no harm.
            Some(stored) if stored.size_bytes != SENT.len() as u64 => {
                Err(StorageError::ObeysUnsignedHeaders)
            }
            _ if answered >= 500 => Err(refused(answered)),
            _ => Ok(()),
        }
    }

    /// The status of a `PUT` to a signed URL, with a header that is not signed.
    async fn put_signed(
        &self,
        key: &ObjectKey,
        body: &'static str,
        copy_source: Option<&str>,
    ) -> Result<u16, StorageError> {
        let signing = PresigningConfig::expires_in(Duration::from_mins(1))
            .map_err(StorageError::protocol(OPERATION))?;
        let signed = self
            .client
            .put_object()
            .bucket(self.bucket_name(Bucket::Staging))
            .key(key.as_str())
            .content_length(
                body.len()
                    .try_into()
                    .map_err(StorageError::protocol(OPERATION))?,
            )
            .presigned(signing)
            .await
            .map_err(|error| StorageError::from_sdk(OPERATION, error))?;
        let http = reqwest::Client::builder().timeout(TIMEOUT).build();
        let mut request = http
            .map_err(StorageError::protocol(OPERATION))?
            .put(signed.uri())
            .body(body);
        if let Some(copy_source) = copy_source {
            request = request.header("x-amz-copy-source", copy_source);
        }
        let answer = request.send().await;
        // The URL is a credential.
        let answer = answer.map_err(|error| StorageError::Unavailable {
            operation: OPERATION,
            source: error.without_url().into(),
        })?;
        Ok(answer.status().as_u16())
    }
}

/// For a reason of its own, which proves nothing.
fn refused(status: u16) -> StorageError {
    let (operation, source) = (
        OPERATION,
        format!("an upload to a signed URL was answered with {status}").into(),
    );
    if status >= 500 {
        StorageError::Unavailable { operation, source }
    } else {
        StorageError::Protocol { operation, source }
    }
}
