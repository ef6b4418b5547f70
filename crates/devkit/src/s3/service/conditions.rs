//! Conditional requests (RFC 9110 §13), evaluated against what is there.

use s3s::dto::{ETag, ETagCondition, Timestamp};
use s3s::header::ETAG;
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::timestamp;
use crate::s3::store::{ObjectRecord, StoreError};

/// `If-Match` and kin of one request.
#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the names of the headers")]
pub(super) struct Conditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

impl Conditions {
    /// For `GET` and `HEAD`, in the order of RFC 9110 §13.2.2: 412, or 304 with the `ETag`.
    pub(super) fn check_read(&self, object: &ObjectRecord) -> S3Result<()> {
        let modified = seconds(&timestamp(object.modified_ms));
        let holds = match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) => matches(condition, object),
            (None, Some(date)) => modified <= seconds(date),
            (None, None) => true,
        };
        if !holds {
            return Err(S3ErrorCode::PreconditionFailed.into());
        }
        let not_modified = match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) => matches(condition, object),
            (None, Some(date)) => modified <= seconds(date),
            (None, None) => false,
        };
        if not_modified {
            Err(not_modified_with_etag(object))
        } else {
            Ok(())
        }
    }

    /// For a source of a copy: 412 whichever fails (`API_CopyObject`).
    pub(super) fn check_copy(&self, object: &ObjectRecord) -> S3Result<()> {
        self.check_read(object)
            .map_err(|_| S3ErrorCode::PreconditionFailed.into())
    }

    /// For writes. `If-Match` on a missing object is 404, as S3 does it.
    pub(super) fn check_write(&self, present: Option<&ObjectRecord>) -> Result<(), StoreError> {
        match (&self.if_match, present) {
            (Some(_), None) => return Err(StoreError::NoSuchKey),
            (Some(condition), Some(object)) if !matches(condition, object) => {
                return Err(StoreError::PreconditionFailed);
            }
            _ => {}
        }
        match (&self.if_none_match, present) {
            (Some(condition), Some(object)) if matches(condition, object) => {
                Err(StoreError::PreconditionFailed)
            }
            _ => Ok(()),
        }
    }
}

fn matches(condition: &ETagCondition, object: &ObjectRecord) -> bool {
    condition
        .as_etag()
        .is_none_or(|etag| etag.value() == object.etag)
}

fn not_modified_with_etag(object: &ObjectRecord) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    if let Ok(etag) = ETag::Strong(object.etag.clone()).to_http_header() {
        error.set_headers([(ETAG, etag)].into_iter().collect());
    }
    error
}

/// HTTP dates have whole seconds.
fn seconds(timestamp: &Timestamp) -> u64 {
    let mut text = Vec::new();
    // `EpochSeconds` is the one format that needs no date library on this side.
    let formatted = timestamp.format(s3s::dto::TimestampFormat::EpochSeconds, &mut text);
    let text = formatted
        .ok()
        .and_then(|()| String::from_utf8(text).ok())
        .unwrap_or_default();
    text.split('.')
        .next()
        .and_then(|whole| whole.parse().ok())
        .unwrap_or_default()
}
