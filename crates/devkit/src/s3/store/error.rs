//! What the store can refuse, in S3's words.

use std::io;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub(in crate::s3) enum StoreError {
    #[error("no such bucket")]
    NoSuchBucket,
    #[error("bucket exists")]
    BucketExists,
    #[error("bucket is not empty")]
    BucketNotEmpty,
    #[error("no such key")]
    NoSuchKey,
    #[error("no such upload")]
    NoSuchUpload,
    #[error("precondition failed")]
    PreconditionFailed,
    #[error("part is missing or differs")]
    InvalidPart,
    #[error("parts are not in ascending order")]
    InvalidPartOrder,
    #[error("a part other than the last is under 5 MiB")]
    EntityTooSmall,
    #[error("disk failed")]
    Io(#[from] io::Error),
    #[error("record is damaged")]
    Record(#[from] serde_json::Error),
}
