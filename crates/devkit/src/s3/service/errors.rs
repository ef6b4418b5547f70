//! The store's refusals as S3 error codes (*Amazon S3 API: Error responses*).

use s3s::{S3Error, S3ErrorCode};

use crate::s3::store::StoreError;

pub(super) fn to_s3(error: StoreError) -> S3Error {
    let code = match &error {
        StoreError::NoSuchBucket => S3ErrorCode::NoSuchBucket,
        StoreError::BucketExists => S3ErrorCode::BucketAlreadyOwnedByYou,
        StoreError::BucketNotEmpty => S3ErrorCode::BucketNotEmpty,
        StoreError::NoSuchKey => S3ErrorCode::NoSuchKey,
        StoreError::NoSuchUpload => S3ErrorCode::NoSuchUpload,
        StoreError::PreconditionFailed => S3ErrorCode::PreconditionFailed,
        StoreError::InvalidPart => S3ErrorCode::InvalidPart,
        StoreError::InvalidPartOrder => S3ErrorCode::InvalidPartOrder,
        StoreError::EntityTooSmall => S3ErrorCode::EntityTooSmall,
        StoreError::Io(_) | StoreError::Record(_) => {
            tracing::error!(%error, source = ?std::error::Error::source(&error), "store failed");
            S3ErrorCode::InternalError
        }
    };
    let message = error.to_string();
    let mut refusal = S3Error::with_source(code, error.into());
    refusal.set_message(message);
    refusal
}
