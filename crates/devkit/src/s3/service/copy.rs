//! Copies: of whole objects by sharing their data files, of parts by reading.

use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult, CopySource, ETag,
    MetadataDirective, Range, StreamingBlob, UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::checksums::{Claims, copy_checksums};
use super::conditions::Conditions;
use super::objects::kept_headers;
use super::{Service, body, timestamp, uploads};
use crate::s3::store::Reading;

impl Service {
    /// The copy keeps the source's `ETag`, also the `-N` one of a multipart object.
    pub(super) async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let mut input = request.input;
        let conditions = Conditions {
            if_match: input.copy_source_if_match.take(),
            if_none_match: input.copy_source_if_none_match.take(),
            if_modified_since: input.copy_source_if_modified_since.take(),
            if_unmodified_since: input.copy_source_if_unmodified_since.take(),
        };
        let replace = input
            .metadata_directive
            .as_ref()
            .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        let (from_bucket, from_key) = located(&input.copy_source)?;
        if !replace && (&from_bucket, &from_key) == (&input.bucket, &input.key) {
            return Err(s3_error!(
                InvalidRequest,
                "a copy onto itself must replace the metadata"
            ));
        }
        let source = self.open(from_bucket, from_key).await?;
        conditions.check_copy(&source.record)?;
        let headers = if replace {
            kept_headers!(input)
        } else {
            source.record.headers.clone()
        };
        let copy = self
            .run(move |store| store.copy(&source, &input.bucket, &input.key, headers))
            .await?;
        let mut result = CopyObjectResult {
            e_tag: Some(ETag::Strong(copy.etag.clone())),
            last_modified: Some(timestamp(copy.modified_ms)),
            ..Default::default()
        };
        copy_checksums!(copy.checksums => result);
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            ..Default::default()
        }))
    }

    pub(super) async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let mut input = request.input;
        let conditions = Conditions {
            if_match: input.copy_source_if_match.take(),
            if_none_match: input.copy_source_if_none_match.take(),
            if_modified_since: input.copy_source_if_modified_since.take(),
            if_unmodified_since: input.copy_source_if_unmodified_since.take(),
        };
        let number = uploads::part_number(input.part_number)?;
        let (from_bucket, from_key) = located(&input.copy_source)?;
        let source = self.open(from_bucket, from_key).await?;
        conditions.check_copy(&source.record)?;
        let range = copied(input.copy_source_range.as_deref(), &source)?;
        let bytes = StreamingBlob::wrap(body::read(source, range));
        let received = body::receive(self, Some(bytes), Claims::default(), None).await?;
        let part = self
            .put_part(input.bucket, input.key, input.upload_id, number, received)
            .await?;
        let result = CopyPartResult {
            e_tag: Some(ETag::Strong(part.etag)),
            last_modified: Some(timestamp(part.modified_ms)),
            ..Default::default()
        };
        Ok(S3Response::new(UploadPartCopyOutput {
            copy_part_result: Some(result),
            ..Default::default()
        }))
    }
}

fn located(source: &CopySource) -> S3Result<(String, String)> {
    match source {
        CopySource::Bucket {
            bucket,
            key,
            version_id: None,
        } => Ok((bucket.to_string(), key.to_string())),
        _ => Err(s3_error!(
            NotImplemented,
            "copy sources are bucket and key only"
        )),
    }
}

/// `x-amz-copy-source-range` has first and last byte, both inside the source (`API_UploadPartCopy`).
fn copied(range: Option<&str>, source: &Reading) -> S3Result<std::ops::Range<u64>> {
    let size_bytes = source.record.size_bytes;
    let Some(range) = range else {
        return Ok(0..size_bytes);
    };
    match Range::parse(range) {
        Ok(Range::Int {
            first,
            last: Some(last),
        }) if last < size_bytes => Ok(first..last + 1),
        Ok(Range::Int { last: Some(_), .. }) => Err(s3_error!(InvalidRange)),
        _ => Err(s3_error!(
            InvalidArgument,
            "copy-source-range is bytes=first-last"
        )),
    }
}
