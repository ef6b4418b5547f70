//! Whole objects: look, read, write, delete.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::pin::Pin;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures::stream::{self, Stream};

use super::{Bucket, ObjectKey, ObjectStore, StorageError};

/// What the store says about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Size of the whole object in bytes.
    pub size_bytes: u64,
    /// Changes whenever the bytes change; in quotes. The MD5 of the bytes only for objects sent in one piece.
    pub etag: String,
    /// `Content-Type` it will be served with.
    pub content_type: Option<String>,
}

/// Which bytes to read (RFC 9110 §14.1.2). The store cuts an end beyond the object to the object's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// From an offset to an offset, both included.
    Inclusive(u64, u64),
    /// From an offset to the end.
    From(u64),
    /// The last bytes, so many.
    Last(u64),
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inclusive(first, last) => write!(f, "bytes={first}-{last}"),
            Self::From(first) => write!(f, "bytes={first}-"),
            Self::Last(count) => write!(f, "bytes=-{count}"),
        }
    }
}

/// An object being read.
pub struct Object {
    /// The whole object's facts, also when only a range is read.
    pub info: ObjectInfo,
    /// Offsets of the bytes that `body` yields.
    pub range: Range<u64>,
    /// The bytes. An error ends the stream; a body cut short is an error, never a silent end.
    pub body: Pin<Box<dyn Stream<Item = Result<Bytes, StorageError>> + Send>>,
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("info", &self.info)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

impl ObjectStore {
    /// The object's facts, or `None` when the bucket answers and has no such object. A bucket that is not there, or not
    /// for us, is an error and says nothing about objects.
    pub async fn head(
        &self,
        bucket: Bucket,
        key: &ObjectKey,
    ) -> Result<Option<ObjectInfo>, StorageError> {
        const OPERATION: &str = "HeadObject";
        let answer = self
            .client
            .head_object()
            .bucket(self.bucket_name(bucket))
            .key(key.as_str())
            .send();
        match answer
            .await
            .map_err(|error| StorageError::from_sdk(OPERATION, error))
        {
            Ok(head) => info(
                OPERATION,
                head.content_length,
                head.e_tag,
                head.content_type,
            )
            .map(Some),
            // An answer to HEAD has no body, which could tell a missing object from a missing bucket.
            Err(StorageError::NotFound) => self.bucket_answers(bucket).await.map(|()| None),
            Err(error) => Err(error),
        }
    }

    /// Opens the object, or a range of it, for reading. The body arrives as it is polled and is never held whole.
    pub async fn get(
        &self,
        bucket: Bucket,
        key: &ObjectKey,
        range: Option<ByteRange>,
    ) -> Result<Object, StorageError> {
        const OPERATION: &str = "GetObject";
        let mut answer = self
            .client
            .get_object()
            .bucket(self.bucket_name(bucket))
            .key(key.as_str())
            .set_range(range.map(|range| range.to_string()))
            .send()
            .await
            .map_err(|error| StorageError::from_sdk(OPERATION, error))?;
        let (range, size_bytes) = served(&answer).ok_or_else(|| StorageError::Protocol {
            operation: OPERATION,
            source: "content-length or content-range is missing or malformed".into(),
        })?;
        let body = std::mem::take(&mut answer.body);
        Ok(Object {
            info: ObjectInfo {
                size_bytes,
                ..info(
                    OPERATION,
                    answer.content_length,
                    answer.e_tag,
                    answer.content_type,
                )?
            },
            range,
            body: Box::pin(chunks(body)),
        })
    }

    /// Writes a local file as one object, of 5 GiB at most (a single `PutObject`).
    pub async fn put_file(
        &self,
        bucket: Bucket,
        key: &ObjectKey,
        path: &Path,
        content_type: &str,
        cache_control: Option<&str>,
    ) -> Result<ObjectInfo, StorageError> {
        let metadata = tokio::fs::metadata(path)
            .await
            .map_err(StorageError::LocalFile)?;
        let body = ByteStream::read_from()
            .path(path)
            .buffer_size(256 * 1024)
            .build()
            .await
            .map_err(|error| StorageError::LocalFile(error.into()))?;
        self.put(
            bucket,
            key,
            body,
            metadata.len(),
            content_type,
            cache_control,
        )
        .await
    }

    /// Writes bytes held in memory as one object: manifests, playlists and the like.
    pub async fn put_bytes(
        &self,
        bucket: Bucket,
        key: &ObjectKey,
        bytes: Bytes,
        content_type: &str,
        cache_control: Option<&str>,
    ) -> Result<ObjectInfo, StorageError> {
        let size_bytes = bytes.len() as u64;
        self.put(
            bucket,
            key,
            bytes.into(),
            size_bytes,
            content_type,
            cache_control,
        )
        .await
    }

    async fn put(
        &self,
        bucket: Bucket,
        key: &ObjectKey,
        body: ByteStream,
        size_bytes: u64,
        content_type: &str,
        cache_control: Option<&str>,
    ) -> Result<ObjectInfo, StorageError> {
        const OPERATION: &str = "PutObject";
        let answer = self
            .client
            .put_object()
            .bucket(self.bucket_name(bucket))
            .key(key.as_str())
            .body(body)
            .content_type(content_type)
            .set_cache_control(cache_control.map(str::to_owned))
            .send()
            .await
            .map_err(|error| StorageError::from_sdk(OPERATION, error))?;
        let size = i64::try_from(size_bytes).ok();
        info(OPERATION, size, answer.e_tag, Some(content_type.to_owned()))
    }
}

fn info(
    operation: &'static str,
    content_length: Option<i64>,
    etag: Option<String>,
    content_type: Option<String>,
) -> Result<ObjectInfo, StorageError> {
    let size_bytes = content_length.and_then(|length| u64::try_from(length).ok());
    match (size_bytes, etag) {
        (Some(size_bytes), Some(etag)) => Ok(ObjectInfo {
            size_bytes,
            etag,
            content_type,
        }),
        _ => Err(StorageError::Protocol {
            operation,
            source: "size or etag is missing".into(),
        }),
    }
}

/// Offsets of the bytes in the answer, and the size of the whole object.
fn served(answer: &GetObjectOutput) -> Option<(Range<u64>, u64)> {
    let Some(content_range) = answer.content_range.as_deref() else {
        let size_bytes = u64::try_from(answer.content_length?).ok()?;
        return Some((0..size_bytes, size_bytes));
    };
    // `bytes 0-99/1234` (RFC 9110 §14.4)
    let (offsets, size_bytes) = content_range.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = offsets.split_once('-')?;
    let end = last.parse::<u64>().ok()?.checked_add(1)?;
    Some((first.parse().ok()?..end, size_bytes.parse().ok()?))
}

fn chunks(body: ByteStream) -> impl Stream<Item = Result<Bytes, StorageError>> + Send {
    stream::unfold(Some(body), |body| async {
        let mut body = body?;
        match body.next().await? {
            Ok(chunk) => Some((Ok(chunk), Some(body))),
            Err(error) => {
                let source = error.into();
                Some((
                    Err(StorageError::Unavailable {
                        operation: "GetObject",
                        source,
                    }),
                    None,
                ))
            }
        }
    })
}
