//! Object operations.

use std::ops;

use s3s::dto::{
    ChecksumMode, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput,
    DeletedObject, ETag, Error, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
    PutObjectInput, PutObjectOutput, Range, StreamingBlob,
};
use s3s::header::CONTENT_RANGE;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::checksums::{Claims, claimed_checksums, copy_checksums};
use super::conditions::Conditions;
use super::{Service, body, size, timestamp};
use crate::s3::store::{Headers, ObjectRecord, Reading};

/// Collects what is kept about an object from any request that writes one.
macro_rules! kept_headers {
    ($input:expr) => {
        $crate::s3::store::Headers {
            content_type: $input.content_type.take().map(String::from),
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $input.content_encoding.take(),
            content_language: $input.content_language.take(),
            metadata: $input
                .metadata
                .take()
                .unwrap_or_default()
                .into_iter()
                .collect(),
        }
    };
}
pub(super) use kept_headers;

/// Fills what `GET` and `HEAD` have in common.
macro_rules! describe {
    ($output:ident, $record:expr) => {
        let record: &ObjectRecord = &$record;
        let headers: &Headers = &record.headers;
        $output.e_tag = Some(ETag::Strong(record.etag.clone()));
        $output.last_modified = Some(timestamp(record.modified_ms));
        $output.accept_ranges = Some("bytes".to_owned());
        // S3's default (`API_PutObject`).
        let content_type = headers
            .content_type
            .as_deref()
            .unwrap_or("binary/octet-stream");
        $output.content_type = Some(content_type.to_owned().into());
        $output.cache_control.clone_from(&headers.cache_control);
        $output
            .content_disposition
            .clone_from(&headers.content_disposition);
        $output
            .content_encoding
            .clone_from(&headers.content_encoding);
        $output
            .content_language
            .clone_from(&headers.content_language);
        $output.metadata = Some(headers.metadata.clone().into_iter().collect());
    };
}

/// GET and HEAD have outputs of different types with the same fields: opens the object, checks the
/// conditions and fills in what both answer. The object, the range to send, its header if it is
/// not the whole, and the output.
macro_rules! described {
    ($service:expr, $input:expr, $Output:ident) => {{
        let input = $input;
        refuse_part_number(input.part_number)?;
        let conditions = Conditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        let object = $service.open(input.bucket, input.key).await?;
        conditions.check_read(&object.record)?;
        let (range, content_range) = served(input.range, object.record.size_bytes)?;
        let mut output = $Output {
            content_length: Some(size(range.end - range.start)),
            ..Default::default()
        };
        describe!(output, object.record);
        if content_range.is_none() && asks_for_checksums(input.checksum_mode.as_ref()) {
            copy_checksums!(object.record.checksums => output);
        }
        (object, range, content_range, output)
    }};
}

impl Service {
    pub(super) async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let mut input = request.input;
        let trailer = request
            .headers
            .get("x-amz-trailer")
            .and_then(|value| value.to_str().ok());
        let claims = Claims::new(
            input.content_md5.as_deref(),
            claimed_checksums!(input),
            trailer,
        )?;
        let conditions = Conditions {
            if_match: input.if_match.take(),
            if_none_match: input.if_none_match.take(),
            ..Default::default()
        };
        let headers = kept_headers!(input);
        let (bucket, key) = (input.bucket, input.key);
        self.require_room_for(&bucket, &key, &conditions).await?;
        let received =
            body::receive(self, input.body, claims, request.trailing_headers.as_ref()).await?;
        let mut output = PutObjectOutput {
            e_tag: Some(ETag::Strong(received.md5.clone())),
            ..Default::default()
        };
        copy_checksums!(received.checksums => output);
        self.run(move |store| {
            let precondition = |present: Option<&_>| conditions.check_write(present);
            store.put(&bucket, &key, received, headers, &precondition)
        })
        .await?;
        Ok(S3Response::new(output))
    }

    /// Refuses before the body is read what would be refused after.
    async fn require_room_for(
        &self,
        bucket: &str,
        key: &str,
        conditions: &Conditions,
    ) -> S3Result<()> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let present = self
            .run(move |store| {
                store.require_bucket(&bucket)?;
                store.look(&bucket, &key)
            })
            .await?;
        conditions
            .check_write(present.as_ref())
            .map_err(super::errors::to_s3)
    }

    pub(super) async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let (object, range, content_range, mut output) =
            described!(self, request.input, GetObjectOutput);
        output.content_range = content_range;
        output.body = Some(StreamingBlob::wrap(body::read(object, range)));
        Ok(S3Response::new(output))
    }

    pub(super) async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let (_, _, content_range, output) = described!(self, request.input, HeadObjectOutput);
        let mut response = S3Response::new(output);
        if let Some(content_range) = content_range.and_then(|range| range.parse().ok()) {
            response.status = Some(hyper::StatusCode::PARTIAL_CONTENT);
            response.headers.insert(CONTENT_RANGE, content_range);
        }
        Ok(response)
    }

    /// Opens an object for reading.
    pub(super) async fn open(&self, bucket: String, key: String) -> S3Result<Reading> {
        self.run(move |store| store.read(&bucket, &key)).await
    }

    pub(super) async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        self.run(move |store| store.delete(&input.bucket, &input.key))
            .await?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    pub(super) async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        /// Keys that one request may name (S3: `API_DeleteObjects`).
        const MAX_KEYS: usize = 1000;
        let DeleteObjectsInput { bucket, delete, .. } = request.input;
        if delete.objects.is_empty() || delete.objects.len() > MAX_KEYS {
            return Err(s3_error!(MalformedXML, "name 1 to {MAX_KEYS} keys"));
        }
        let (deleted, errors) = self
            .run(move |store| {
                store.require_bucket(&bucket)?;
                let (mut deleted, mut errors) = (Vec::new(), Vec::new());
                for object in delete.objects {
                    match store.delete(&bucket, &object.key) {
                        Ok(()) => deleted.push(object.key),
                        Err(error) => errors.push((object.key, super::errors::to_s3(error))),
                    }
                }
                Ok((deleted, errors))
            })
            .await?;
        let deleted = deleted
            .into_iter()
            .map(|key| DeletedObject {
                key: Some(key),
                ..Default::default()
            })
            .collect();
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: (delete.quiet != Some(true)).then_some(deleted),
            errors: (!errors.is_empty()).then(|| errors.into_iter().map(failed).collect()),
            ..Default::default()
        }))
    }
}

fn failed((key, error): (String, S3Error)) -> Error {
    Error {
        key: Some(key),
        code: Some(error.code().as_str().to_owned()),
        message: error.message().map(str::to_owned),
        ..Default::default()
    }
}

fn asks_for_checksums(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
}

/// Parts are not kept apart once they are joined.
fn refuse_part_number(part_number: Option<i32>) -> S3Result<()> {
    match part_number {
        Some(_) => Err(s3_error!(
            NotImplemented,
            "reading by part number is not supported"
        )),
        None => Ok(()),
    }
}

/// The bytes to send, and the `Content-Range` when they are not all.
fn served(range: Option<Range>, size_bytes: u64) -> S3Result<(ops::Range<u64>, Option<String>)> {
    let Some(range) = range else {
        return Ok((0..size_bytes, None));
    };
    let unsatisfiable = |_| {
        let mut error = S3Error::new(S3ErrorCode::InvalidRange);
        if let Ok(value) = format!("bytes */{size_bytes}").parse() {
            error.set_headers([(CONTENT_RANGE, value)].into_iter().collect());
        }
        error
    };
    let bytes = range.check(size_bytes).map_err(unsatisfiable)?;
    if bytes.is_empty() {
        return Err(S3ErrorCode::InvalidRange.into());
    }
    let content_range = format!("bytes {}-{}/{size_bytes}", bytes.start, bytes.end - 1);
    Ok((bytes, Some(content_range)))
}
