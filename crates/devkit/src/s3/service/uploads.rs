//! Multipart upload operations.

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumType,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag, ListPartsInput, ListPartsOutput,
    Part, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::checksums::{Claims, claimed_checksums, composite, copy_checksums};
use super::conditions::Conditions;
use super::objects::kept_headers;
use super::{Service, body, errors, size, timestamp};
use crate::s3::store::{Checksums, ClaimedPart, PartRecord, Received, StoreError};

/// *Amazon S3 multipart upload limits*.
const MAX_PARTS: u16 = 10_000;
/// Parts in one answer (`API_ListParts`).
const PAGE_PARTS: i32 = 1000;

impl Service {
    pub(super) async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let mut input = request.input;
        let headers = kept_headers!(input);
        let (bucket, key) = (input.bucket.clone(), input.key.clone());
        let algorithm = input
            .checksum_algorithm
            .clone()
            .map(|name| name.as_str().to_owned());
        let id = self
            .run(move |store| store.create_upload(&bucket, &key, headers, algorithm))
            .await?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: input.checksum_type,
            ..Default::default()
        }))
    }

    pub(super) async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = request.input;
        let number = part_number(input.part_number)?;
        let trailer = request
            .headers
            .get("x-amz-trailer")
            .and_then(|value| value.to_str().ok());
        let claims = Claims::new(
            input.content_md5.as_deref(),
            claimed_checksums!(input),
            trailer,
        )?;
        let (bucket, key, id) = (
            input.bucket.clone(),
            input.key.clone(),
            input.upload_id.clone(),
        );
        // Before the body, so that a client late by an hour does not send 5 GiB for nothing; and again after it.
        self.run(move |store| store.upload(&bucket, &key, &id))
            .await?;
        let received =
            body::receive(self, input.body, claims, request.trailing_headers.as_ref()).await?;
        let part = self
            .put_part(input.bucket, input.key, input.upload_id, number, received)
            .await?;
        let mut output = UploadPartOutput {
            e_tag: Some(ETag::Strong(part.etag)),
            ..Default::default()
        };
        copy_checksums!(part.checksums => output);
        Ok(S3Response::new(output))
    }

    pub(super) async fn put_part(
        &self,
        bucket: String,
        key: String,
        upload_id: String,
        number: u16,
        received: Received,
    ) -> S3Result<PartRecord> {
        self.run(move |store| store.put_part(&bucket, &key, &upload_id, number, received))
            .await
    }

    pub(super) async fn list_parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let input = request.input;
        let marker = input.part_number_marker.unwrap_or(0).max(0);
        let max_parts = input.max_parts.unwrap_or(PAGE_PARTS).clamp(0, PAGE_PARTS);
        let (bucket, key, id) = (
            input.bucket.clone(),
            input.key.clone(),
            input.upload_id.clone(),
        );
        let parts = self
            .run(move |store| store.parts(&bucket, &key, &id))
            .await?;
        let mut rest = parts
            .into_values()
            .filter(|part| i32::from(part.number) > marker);
        let page: Vec<Part> = rest
            .by_ref()
            .take(usize::try_from(max_parts).unwrap_or_default())
            .map(listed)
            .collect();
        let is_truncated = rest.next().is_some();
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            part_number_marker: Some(marker),
            max_parts: Some(max_parts),
            is_truncated: Some(is_truncated),
            next_part_number_marker: page.last().and_then(|part| part.part_number),
            parts: Some(page),
            ..Default::default()
        }))
    }

    pub(super) async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        let whole = claimed_checksums!(input);
        if whole != Checksums::default()
            && input
                .checksum_type
                .as_ref()
                .is_some_and(|kind| kind.as_str() == ChecksumType::FULL_OBJECT)
        {
            return Err(s3_error!(
                NotImplemented,
                "checksums over joined parts are not supported"
            ));
        }
        let parts = input
            .multipart_upload
            .and_then(|upload| upload.parts)
            .unwrap_or_default();
        let claimed: Vec<ClaimedPart> = parts.into_iter().map(claimed).collect::<S3Result<_>>()?;
        let conditions = Conditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            ..Default::default()
        };
        let (bucket, key, id) = (input.bucket.clone(), input.key.clone(), input.upload_id);
        let expected_size = input
            .mpu_object_size
            .and_then(|size| u64::try_from(size).ok());
        let object = self
            .run(move |store| {
                let check = |parts: &[&PartRecord]| {
                    let size_bytes: u64 = parts.iter().map(|part| part.size_bytes).sum();
                    if expected_size.is_some_and(|expected| expected != size_bytes) {
                        return Err(StoreError::InvalidPart);
                    }
                    let computed = composite(parts);
                    if whole.agree_with(&computed) {
                        Ok(computed)
                    } else {
                        Err(StoreError::InvalidPart)
                    }
                };
                let precondition = |present: Option<&_>| conditions.check_write(present);
                store.complete(&bucket, &key, &id, &claimed, check, &precondition)
            })
            .await?;
        let mut output = CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", input.bucket, input.key)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(object.etag)),
            ..Default::default()
        };
        copy_checksums!(object.checksums => output);
        Ok(S3Response::new(output))
    }

    pub(super) async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        self.run(move |store| store.abort(&input.bucket, &input.key, &input.upload_id))
            .await?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }
}

pub(super) fn part_number(number: i32) -> S3Result<u16> {
    u16::try_from(number)
        .ok()
        .filter(|number| (1..=MAX_PARTS).contains(number))
        .ok_or_else(|| s3_error!(InvalidArgument, "part numbers are 1 to {MAX_PARTS}"))
}

fn claimed(part: CompletedPart) -> S3Result<ClaimedPart> {
    let number = part_number(part.part_number.unwrap_or_default())?;
    let checksums = claimed_checksums!(part);
    let etag = part
        .e_tag
        .ok_or_else(|| errors::to_s3(StoreError::InvalidPart))?
        .into_value();
    Ok(ClaimedPart {
        number,
        etag,
        checksums,
    })
}

fn listed(part: PartRecord) -> Part {
    let mut listed = Part {
        part_number: Some(i32::from(part.number)),
        e_tag: Some(ETag::Strong(part.etag)),
        size: Some(size(part.size_bytes)),
        last_modified: Some(timestamp(part.modified_ms)),
        ..Default::default()
    };
    copy_checksums!(part.checksums => listed);
    listed
}
