//! Multipart uploads to staging: the upload id is the right to write, and it dies at completion.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use bytes::Bytes;

use super::{Bucket, ObjectInfo, ObjectKey, ObjectStore, Part, StorageError, client};

impl ObjectStore {
    /// Opens a multipart upload and returns its id.
    pub async fn create_multipart(&self, key: &ObjectKey) -> Result<String, StorageError> {
        const OPERATION: &str = "CreateMultipartUpload";
        let answer = self
            .client
            .create_multipart_upload()
            .bucket(self.bucket_name(Bucket::Staging))
            .key(key.as_str())
            .send()
            .await
            .map_err(|error| StorageError::from_sdk(OPERATION, error))?;
        answer.upload_id.ok_or_else(|| StorageError::Protocol {
            operation: OPERATION,
            source: "the answer has no upload id".into(),
        })
    }

    /// Sends one part from memory. A part of the same number is replaced.
    pub async fn put_part(
        &self,
        key: &ObjectKey,
        upload_id: &str,
        number: u16,
        bytes: Bytes,
    ) -> Result<Part, StorageError> {
        const OPERATION: &str = "UploadPart";
        let size_bytes = bytes.len() as u64;
        let answer = self
            .client
            .upload_part()
            .bucket(self.bucket_name(Bucket::Staging))
            .key(key.as_str())
            .upload_id(upload_id)
            .part_number(i32::from(number))
            .body(bytes.into())
            .customize()
            // As in the addresses that clients send parts to. TLS keeps the bytes whole; another hash of them would cost both
            // sides as much as all the rest.
            .disable_payload_signing()
            .send()
            .await
            .map_err(|error| StorageError::from_sdk(OPERATION, error))?;
        part_made(OPERATION, number, answer.e_tag, size_bytes)
    }

    /// Every part the store holds for the upload, by number. This, not the client's word, is what was uploaded.
    pub async fn list_parts(
        &self,
        key: &ObjectKey,
        upload_id: &str,
    ) -> Result<Vec<Part>, StorageError> {
        const OPERATION: &str = "ListParts";
        let mut pages = self
            .client
            .list_parts()
            .bucket(self.bucket_name(Bucket::Staging))
            .key(key.as_str())
            .upload_id(upload_id)
            .into_paginator()
            .send();
        let mut parts = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| StorageError::from_sdk(OPERATION, error))?;
            for part in page.parts.unwrap_or_default() {
                let part = listed(part).ok_or_else(|| StorageError::Protocol {
                    operation: OPERATION,
                    source: "a part lacks number, etag or size".into(),
                })?;
                parts.push(part);
            }
        }
        parts.sort_unstable_by_key(|part| part.number);
        Ok(parts)
    }

    /// Joins the parts, in ascending order of number, into the object.
    ///
    /// After a lost answer a second call says [`StorageError::NoSuchUpload`]; with keys that are used once, a
    /// [`ObjectStore::head`] that finds the expected size then means that the first call had worked.
    pub async fn complete_multipart(
        &self,
        key: &ObjectKey,
        upload_id: &str,
        parts: &[Part],
    ) -> Result<ObjectInfo, StorageError> {
        let parts = parts
            .iter()
            .map(|part| {
                CompletedPart::builder()
                    .part_number(i32::from(part.number))
                    .e_tag(&part.etag)
                    .build()
            })
            .collect();
        self.client
            .complete_multipart_upload()
            .bucket(self.bucket_name(Bucket::Staging))
            .key(key.as_str())
            .upload_id(upload_id)
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(parts))
                    .build(),
            )
            .customize()
            .config_override(client::patient())
            .send()
            .await
            .map_err(|error| StorageError::from_sdk("CompleteMultipartUpload", error))?;
        // The answer has no size, and from some stores no ETag either.
        self.head(Bucket::Staging, key)
            .await?
            .ok_or(StorageError::NotFound)
    }

    /// Drops the upload and its parts. An upload that is already gone is no error.
    pub async fn abort_multipart(
        &self,
        key: &ObjectKey,
        upload_id: &str,
    ) -> Result<(), StorageError> {
        let answer = self
            .client
            .abort_multipart_upload()
            .bucket(self.bucket_name(Bucket::Staging))
            .key(key.as_str())
            .upload_id(upload_id)
            .send()
            .await;
        match answer.map_err(|error| StorageError::from_sdk("AbortMultipartUpload", error)) {
            Ok(_) | Err(StorageError::NoSuchUpload) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The part that the store says it has made.
pub(super) fn part_made(
    operation: &'static str,
    number: u16,
    etag: Option<String>,
    size_bytes: u64,
) -> Result<Part, StorageError> {
    let etag = etag.ok_or_else(|| StorageError::Protocol {
        operation,
        source: "the answer has no ETag".into(),
    })?;
    Ok(Part {
        number,
        etag,
        size_bytes,
    })
}

fn listed(part: aws_sdk_s3::types::Part) -> Option<Part> {
    Some(Part {
        number: part.part_number?.try_into().ok()?,
        etag: part.e_tag?,
        size_bytes: part.size?.try_into().ok()?,
    })
}
