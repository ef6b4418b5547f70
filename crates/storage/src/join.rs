//! Objects of several parts that this process has made: large copies, and bytes whose length nobody knows before the last.

use std::pin::pin;

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use futures::{Stream, TryStreamExt};

use super::{Bucket, ObjectKey, ObjectStore, StorageError, client};

/// The smallest part that is sent of an object of several, in bytes, which is also what of it is in memory.
const PART_BYTES: u64 = 8 << 20;
/// The most parts of an object (S3: multipart upload limits).
const MOST_PARTS: u64 = 10_000;

/// What is to be made.
pub(super) struct Target<'a> {
    /// As the store calls it.
    pub bucket: &'a str,
    pub key: &'a ObjectKey,
    pub content_type: &'a str,
    pub cache_control: Option<&'a str>,
}

impl ObjectStore {
    /// Writes what `body` brings as one object, of `size_bytes` in all: a body that brings more or less is an error, and
    /// nothing is made. One part of it is in memory: eight megabytes, more of objects of over 80 GB.
    ///
    /// # Errors
    /// The body's own, and the store's.
    pub async fn put_stream<E: From<StorageError>>(
        &self,
        (bucket, key): (Bucket, &ObjectKey),
        body: impl Stream<Item = Result<Bytes, E>>,
        size_bytes: u64,
        content_type: &str,
        cache_control: Option<&str>,
    ) -> Result<(), E> {
        let part_bytes = PART_BYTES.max(size_bytes.div_ceil(MOST_PARTS));
        let part_bytes = usize::try_from(part_bytes).unwrap_or(usize::MAX);
        let mut parts = pin!(in_parts(body, part_bytes, size_bytes));
        if size_bytes <= part_bytes as u64 {
            let whole = parts.try_next().await?.unwrap_or_default();
            // What is left in the body would be too much, and be told here.
            parts.try_next().await?;
            self.put_bytes(bucket, key, whole, content_type, cache_control)
                .await?;
            return Ok(());
        }
        let target = Target {
            bucket: self.bucket_name(bucket),
            key,
            content_type,
            cache_control,
        };
        let sent = async |upload_id: &str| {
            let mut sent = Vec::new();
            while let Some(part) = parts.try_next().await? {
                let number = i32::try_from(sent.len() + 1).unwrap_or(i32::MAX);
                let answer = self
                    .client
                    .upload_part()
                    .bucket(target.bucket)
                    .key(key.as_str())
                    .upload_id(upload_id)
                    .part_number(number)
                    .body(part.into())
                    .send()
                    .await
                    .map_err(|error| StorageError::from_sdk("UploadPart", error))?;
                sent.push(made(number, answer.e_tag));
            }
            Ok(sent)
        };
        self.join(&target, sent).await
    }

    /// Makes an object of the parts that `make` makes, which is told the id of their upload. When it fails, they are
    /// given up.
    pub(super) async fn join<E: From<StorageError>>(
        &self,
        target: &Target<'_>,
        make: impl AsyncFnOnce(&str) -> Result<Vec<CompletedPart>, E>,
    ) -> Result<(), E> {
        const OPERATION: &str = "CreateMultipartUpload";
        let upload = self
            .client
            .create_multipart_upload()
            .bucket(target.bucket)
            .key(target.key.as_str())
            .content_type(target.content_type)
            .set_cache_control(target.cache_control.map(str::to_owned))
            .send()
            .await
            .map_err(|error| StorageError::from_sdk(OPERATION, error))?;
        let upload_id = upload.upload_id.ok_or_else(|| StorageError::Protocol {
            operation: OPERATION,
            source: "the answer has no upload id".into(),
        })?;
        let parts = match make(&upload_id).await {
            Ok(parts) => parts,
            Err(error) => {
                self.give_up(target, &upload_id).await;
                return Err(error);
            }
        };
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts));
        self.client
            .complete_multipart_upload()
            .bucket(target.bucket)
            .key(target.key.as_str())
            .upload_id(&upload_id)
            .multipart_upload(parts.build())
            .customize()
            .config_override(client::patient())
            .send()
            .await
            .map_err(|error| StorageError::from_sdk("CompleteMultipartUpload", error))?;
        Ok(())
    }

    async fn give_up(&self, target: &Target<'_>, upload_id: &str) {
        let abort = self.client.abort_multipart_upload().bucket(target.bucket);
        let abort = abort.key(target.key.as_str()).upload_id(upload_id);
        if let Err(error) = abort.send().await {
            tracing::warn!(storage.key = %target.key, %error, "could not give up parts of an object");
        }
    }
}

/// A part, as completion names it.
pub(super) fn made(number: i32, etag: Option<String>) -> CompletedPart {
    let part = CompletedPart::builder().part_number(number);
    part.set_e_tag(etag).build()
}

/// `body` in parts of `part_bytes`, the last of which may be shorter, of `size_bytes` in all.
fn in_parts<E: From<StorageError>>(
    body: impl Stream<Item = Result<Bytes, E>>,
    part_bytes: usize,
    size_bytes: u64,
) -> impl Stream<Item = Result<Bytes, E>> {
    let start = (Box::pin(body), BytesMut::new(), 0_u64);
    futures::stream::try_unfold(start, move |(mut body, mut held, mut seen)| async move {
        while held.len() < part_bytes {
            match body.try_next().await? {
                Some(bytes) => {
                    seen += bytes.len() as u64;
                    held.extend_from_slice(&bytes);
                }
                None if seen == size_bytes => break,
                None => return Err(length_differs(seen, size_bytes).into()),
            }
            if seen > size_bytes {
                return Err(length_differs(seen, size_bytes).into());
            }
        }
        if held.is_empty() {
            return Ok(None);
        }
        let part = held.split_to(part_bytes.min(held.len())).freeze();
        Ok(Some((part, (body, held, seen))))
    })
}

fn length_differs(seen: u64, size_bytes: u64) -> StorageError {
    StorageError::Protocol {
        operation: "PutObject",
        source: format!("the body has {seen} bytes or more where it should have {size_bytes}")
            .into(),
    }
}
