//! Copies made by the store itself; the bytes do not pass through this process.

use std::fmt::Write as _;
use std::ops::Range;

use aws_sdk_s3::operation::upload_part_copy::builders::UploadPartCopyFluentBuilder;
use aws_sdk_s3::types::MetadataDirective;

use super::join::{Target, made};
use super::multipart::part_made;
use super::{Bucket, ObjectInfo, ObjectKey, ObjectStore, Part, StorageError, client};

/// Largest object that one `CopyObject` may copy (`API_CopyObject`).
const MAX_SINGLE_COPY_BYTES: u64 = 5 << 30;
/// Size of the pieces above that. 5 TiB, the largest object, makes 5,120 of the 10,000 parts allowed.
const COPY_PART_BYTES: u64 = 1 << 30;

/// A copy that is to be made.
struct Copy<'a> {
    /// Bucket and key, URL-encoded, as the header wants it.
    source: String,
    if_match_etag: &'a str,
    target: Target<'a>,
}

impl ObjectStore {
    /// Copies an object of any size on condition that the source still has the given `ETag`, else
    /// [`StorageError::PreconditionFailed`]. The copy gets the given headers and none of the source's.
    /// Above 5 GiB the copy has another `ETag` than the source.
    pub async fn copy(
        &self,
        (from_bucket, from_key): (Bucket, &ObjectKey),
        if_match_etag: &str,
        (to_bucket, to_key): (Bucket, &ObjectKey),
        content_type: &str,
        cache_control: Option<&str>,
    ) -> Result<ObjectInfo, StorageError> {
        let source = self
            .head(from_bucket, from_key)
            .await?
            .ok_or(StorageError::NotFound)?;
        let copy = Copy {
            source: url_encoded(&format!("{}/{from_key}", self.bucket_name(from_bucket))),
            if_match_etag,
            target: Target {
                bucket: self.bucket_name(to_bucket),
                key: to_key,
                content_type,
                cache_control,
            },
        };
        if source.size_bytes <= MAX_SINGLE_COPY_BYTES {
            self.copy_whole(&copy).await?;
        } else {
            self.copy_in_parts(&copy, source.size_bytes, COPY_PART_BYTES)
                .await?;
        }
        self.head(to_bucket, to_key)
            .await?
            .ok_or(StorageError::NotFound)
    }

    /// Has the store make a part of a range of another object in staging, of more than 5 MiB, on condition of its `ETag`.
    pub async fn copy_part(
        &self,
        (key, upload_id): (&ObjectKey, &str),
        number: u16,
        (source, etag): (&ObjectKey, &str),
        range: Range<u64>,
    ) -> Result<Part, StorageError> {
        const OPERATION: &str = "UploadPartCopy";
        let bucket = self.bucket_name(Bucket::Staging);
        let source = url_encoded(&format!("{bucket}/{source}"));
        let size_bytes = range.end - range.start;
        let answer = self
            .part_copy((&source, etag), range)
            .bucket(bucket)
            .key(key.as_str())
            .upload_id(upload_id)
            .part_number(i32::from(number))
            .send()
            .await
            .map_err(|error| StorageError::from_sdk(OPERATION, error))?;
        let etag = answer.copy_part_result.and_then(|part| part.e_tag);
        part_made(OPERATION, number, etag, size_bytes)
    }

    /// A request for a copy of a range of `source`, URL-encoded, on condition of its `ETag`; it lacks where the part goes.
    fn part_copy(
        &self,
        (source, etag): (&str, &str),
        range: Range<u64>,
    ) -> UploadPartCopyFluentBuilder {
        self.client
            .upload_part_copy()
            .copy_source(source)
            .copy_source_if_match(etag)
            .copy_source_range(format!("bytes={}-{}", range.start, range.end - 1))
    }

    async fn copy_whole(&self, copy: &Copy<'_>) -> Result<(), StorageError> {
        self.client
            .copy_object()
            .copy_source(&copy.source)
            .copy_source_if_match(copy.if_match_etag)
            .bucket(copy.target.bucket)
            .key(copy.target.key.as_str())
            .metadata_directive(MetadataDirective::Replace)
            .content_type(copy.target.content_type)
            .set_cache_control(copy.target.cache_control.map(str::to_owned))
            .customize()
            .config_override(client::patient())
            .send()
            .await
            .map_err(|error| StorageError::from_sdk("CopyObject", error))?;
        Ok(())
    }

    async fn copy_in_parts(
        &self,
        copy: &Copy<'_>,
        size_bytes: u64,
        part_bytes: u64,
    ) -> Result<(), StorageError> {
        let target = &copy.target;
        let copies = async |upload_id: &str| {
            let mut parts = Vec::new();
            let mut first = 0;
            while first < size_bytes {
                let end = (first + part_bytes).min(size_bytes);
                let number = i32::try_from(parts.len() + 1).unwrap_or(i32::MAX);
                let answer = self
                    .part_copy((&copy.source, copy.if_match_etag), first..end)
                    .bucket(target.bucket)
                    .key(target.key.as_str())
                    .upload_id(upload_id)
                    .part_number(number)
                    .customize()
                    .config_override(client::patient())
                    .send()
                    .await
                    .map_err(|error| StorageError::from_sdk("UploadPartCopy", error))?;
                let etag = answer.copy_part_result.and_then(|part| part.e_tag);
                parts.push(made(number, etag));
                first = end;
            }
            Ok(parts)
        };
        self.join(target, copies).await
    }
}

/// Percent-encodes all but RFC 3986's unreserved characters and the slash.
fn url_encoded(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut encoded, byte| {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                    encoded.push(char::from(byte));
                }
                _ => write!(encoded, "%{byte:02X}").expect("writing to a String cannot fail"),
            }
            encoded
        })
}
