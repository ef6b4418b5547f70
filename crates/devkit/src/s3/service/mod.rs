//! S3's operations: from the framework's types to the store and back.
//!
//! Signatures, presigned URLs, POST policies and `aws-chunked` bodies are checked by `s3s` before anything here runs.
//! Operations that are not listed answer `NotImplemented`: no versioning, tagging, ACLs, policies or encryption.

mod body;
mod buckets;
mod checksums;
mod conditions;
mod copy;
mod errors;
mod listing;
mod objects;
mod upload_listing;
mod uploads;

use std::sync::Arc;

use s3s::dto;
use s3s::dto::Timestamp;
use s3s::{S3, S3Request, S3Response, S3Result};

use super::store::{Store, StoreError};

/// The S3 operations over a [`Store`].
#[derive(Clone, Debug)]
pub(super) struct Service {
    store: Arc<Store>,
}

impl Service {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store: Arc::new(store),
        }
    }

    /// Runs disk work where it may block.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> S3Result<T> {
        let store = Arc::clone(&self.store);
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        done.map_err(s3s::S3Error::internal_error)?
            .map_err(errors::to_s3)
    }
}

/// One line per operation; the rooms beside this file have the methods of those names.
macro_rules! operations {
    ($($operation:ident: $input:ident => $output:ident),+ $(,)?) => {
        #[async_trait::async_trait]
        impl S3 for Service {
            $(async fn $operation(
                &self,
                request: S3Request<dto::$input>,
            ) -> S3Result<S3Response<dto::$output>> {
                Service::$operation(self, request).await
            })+
        }
    };
}

operations! {
    create_bucket: CreateBucketInput => CreateBucketOutput,
    delete_bucket: DeleteBucketInput => DeleteBucketOutput,
    head_bucket: HeadBucketInput => HeadBucketOutput,
    list_buckets: ListBucketsInput => ListBucketsOutput,
    get_bucket_location: GetBucketLocationInput => GetBucketLocationOutput,
    put_object: PutObjectInput => PutObjectOutput,
    get_object: GetObjectInput => GetObjectOutput,
    head_object: HeadObjectInput => HeadObjectOutput,
    delete_object: DeleteObjectInput => DeleteObjectOutput,
    delete_objects: DeleteObjectsInput => DeleteObjectsOutput,
    copy_object: CopyObjectInput => CopyObjectOutput,
    list_objects: ListObjectsInput => ListObjectsOutput,
    list_objects_v2: ListObjectsV2Input => ListObjectsV2Output,
    create_multipart_upload: CreateMultipartUploadInput => CreateMultipartUploadOutput,
    upload_part: UploadPartInput => UploadPartOutput,
    upload_part_copy: UploadPartCopyInput => UploadPartCopyOutput,
    list_parts: ListPartsInput => ListPartsOutput,
    list_multipart_uploads: ListMultipartUploadsInput => ListMultipartUploadsOutput,
    complete_multipart_upload: CompleteMultipartUploadInput => CompleteMultipartUploadOutput,
    abort_multipart_upload: AbortMultipartUploadInput => AbortMultipartUploadOutput,
}

/// When something happened, as the framework wants it.
fn timestamp(ms: u64) -> Timestamp {
    (std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms)).into()
}

/// A size as S3 counts it.
fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
