//! The causes an error can have. One stable code per cause; codes are a contract and never renamed.

use poem::http::StatusCode;
use poem_openapi::Enum;

/// The stable name of an error's cause. `/docs/errors` explains each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename = "ProblemCode", rename_all = "snake_case")]
pub enum Code {
    /// The body is not JSON.
    MalformedJson,
    /// A query, path or header parameter cannot be read.
    InvalidParameter,
    /// No key, or not a valid one.
    Unauthenticated,
    /// The key does not allow this.
    ScopeMissing,
    /// More than the owner, or the upload token, may have.
    QuotaExceeded,
    /// Nothing is there, or nothing of yours.
    NotFound,
    /// The path is there, the method is not.
    MethodNotAllowed,
    /// The upload is already complete.
    UploadCompleted,
    /// The upload was given up.
    UploadAborted,
    /// Parts have not arrived.
    PartsMissing,
    /// Parts have another size than declared.
    SizeMismatch,
    /// Parts have another `ETag` than the client says.
    EtagMismatch,
    /// The bytes sent begin elsewhere than where the upload stands.
    UploadOffsetMismatch,
    /// A later request to the same upload took its place.
    UploadDisplaced,
    /// What is said about an upload's length contradicts itself, or its bytes.
    UploadLengthInconsistent,
    /// A version of a protocol for resumable uploads that is not spoken here.
    UploadProtocolUnsupported,
    /// The bytes sent have another digest than the client says.
    ChecksumMismatch,
    /// A run, a dead letter, a re-drive or a queue is in another state than the request needs.
    Conflict,
    /// The upload was not finished in time.
    UploadExpired,
    /// The file was deleted.
    FileDeleted,
    /// The request body is too large.
    BodyTooLarge,
    /// The declared file is too large.
    FileTooLarge,
    /// The request body has another media type than expected.
    UnsupportedMediaType,
    /// A range outside of the object.
    RangeNotSatisfiable,
    /// A field of the body is missing, of the wrong type or outside its bounds.
    InvalidField,
    /// The declared file has no bytes.
    FileEmpty,
    /// The declared type of file is not taken here.
    UnsupportedType,
    /// The idempotency key came with another request before.
    IdempotencyKeyReused,
    /// A request that this server cannot understand.
    BadRequest,
    /// The owner has as many uploads open as may be.
    TooManyOpenUploads,
    /// The owner, or somebody with wrong keys, asks too often.
    TooManyRequests,
    /// The request's target is too long.
    UriTooLong,
    /// The request has too many headers, or too long ones.
    HeadersTooLarge,
    /// A fault of ours.
    Internal,
    /// The database or the object store does not answer; try again.
    Unavailable,
}

impl Code {
    /// Every code, in the order of the documentation.
    pub const ALL: [Self; 35] = [
        Self::MalformedJson,
        Self::InvalidParameter,
        Self::BadRequest,
        Self::UploadLengthInconsistent,
        Self::UploadProtocolUnsupported,
        Self::ChecksumMismatch,
        Self::Unauthenticated,
        Self::ScopeMissing,
        Self::QuotaExceeded,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::UploadCompleted,
        Self::UploadAborted,
        Self::PartsMissing,
        Self::SizeMismatch,
        Self::EtagMismatch,
        Self::UploadOffsetMismatch,
        Self::UploadDisplaced,
        Self::Conflict,
        Self::UploadExpired,
        Self::FileDeleted,
        Self::BodyTooLarge,
        Self::FileTooLarge,
        Self::UnsupportedMediaType,
        Self::RangeNotSatisfiable,
        Self::InvalidField,
        Self::FileEmpty,
        Self::UnsupportedType,
        Self::IdempotencyKeyReused,
        Self::TooManyOpenUploads,
        Self::TooManyRequests,
        Self::UriTooLong,
        Self::HeadersTooLarge,
        Self::Internal,
        Self::Unavailable,
    ];

    /// The status that a problem of this code is answered with.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::MalformedJson
            | Self::InvalidParameter
            | Self::BadRequest
            | Self::UploadLengthInconsistent
            | Self::UploadProtocolUnsupported
            | Self::ChecksumMismatch => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::ScopeMissing | Self::QuotaExceeded => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::UploadCompleted
            | Self::UploadAborted
            | Self::PartsMissing
            | Self::SizeMismatch
            | Self::EtagMismatch
            | Self::UploadOffsetMismatch
            | Self::UploadDisplaced
            | Self::Conflict => StatusCode::CONFLICT,
            Self::UploadExpired | Self::FileDeleted => StatusCode::GONE,
            Self::BodyTooLarge | Self::FileTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::InvalidField
            | Self::FileEmpty
            | Self::UnsupportedType
            | Self::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyOpenUploads | Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The stable string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MalformedJson => "malformed_json",
            Self::InvalidParameter => "invalid_parameter",
            Self::BadRequest => "bad_request",
            Self::Unauthenticated => "unauthenticated",
            Self::ScopeMissing => "scope_missing",
            Self::QuotaExceeded => "quota_exceeded",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::UploadCompleted => "upload_completed",
            Self::UploadAborted => "upload_aborted",
            Self::PartsMissing => "parts_missing",
            Self::SizeMismatch => "size_mismatch",
            Self::EtagMismatch => "etag_mismatch",
            Self::UploadOffsetMismatch => "upload_offset_mismatch",
            Self::UploadDisplaced => "upload_displaced",
            Self::UploadLengthInconsistent => "upload_length_inconsistent",
            Self::UploadProtocolUnsupported => "upload_protocol_unsupported",
            Self::ChecksumMismatch => "checksum_mismatch",
            Self::Conflict => "conflict",
            Self::UploadExpired => "upload_expired",
            Self::FileDeleted => "file_deleted",
            Self::BodyTooLarge => "body_too_large",
            Self::FileTooLarge => "file_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::RangeNotSatisfiable => "range_not_satisfiable",
            Self::InvalidField => "invalid_field",
            Self::FileEmpty => "file_empty",
            Self::UnsupportedType => "unsupported_type",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::TooManyOpenUploads => "too_many_open_uploads",
            Self::TooManyRequests => "too_many_requests",
            Self::UriTooLong => "uri_too_long",
            Self::HeadersTooLarge => "headers_too_large",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }

    /// One line for people, the same for every occurrence (RFC 9457 §3.1.3).
    pub const fn title(self) -> &'static str {
        match self {
            Self::MalformedJson => "The body is not valid JSON",
            Self::InvalidParameter => "Invalid parameter",
            Self::BadRequest => "Bad request",
            Self::Unauthenticated => "A valid API key is needed",
            Self::ScopeMissing => "The API key does not allow this",
            Self::QuotaExceeded => "There is no room for more",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::UploadCompleted => "The upload is already complete",
            Self::UploadAborted => "The upload was aborted",
            Self::PartsMissing => "Parts are missing",
            Self::SizeMismatch => "The stored size differs from the declared size",
            Self::EtagMismatch => "Stored parts differ from the parts listed",
            Self::UploadOffsetMismatch => "Mismatching upload offset",
            Self::UploadDisplaced => "A later request took the place of this one",
            Self::UploadLengthInconsistent => "Inconsistent upload length values",
            Self::UploadProtocolUnsupported => {
                "This version of the upload protocol is not spoken here"
            }
            Self::ChecksumMismatch => "The bytes differ from their checksum",
            Self::Conflict => "Conflict with the current state",
            Self::UploadExpired => "The upload has expired",
            Self::FileDeleted => "The file was deleted",
            Self::BodyTooLarge => "The request body is too large",
            Self::FileTooLarge => "The file is too large",
            Self::UnsupportedMediaType => "The body has another media type than expected",
            Self::RangeNotSatisfiable => "Range not satisfiable",
            Self::InvalidField => "Invalid field",
            Self::FileEmpty => "The file is empty",
            Self::UnsupportedType => "The type of file is not taken",
            Self::IdempotencyKeyReused => "The idempotency key belongs to another request",
            Self::TooManyOpenUploads => "Too many uploads are open",
            Self::TooManyRequests => "Too many requests",
            Self::UriTooLong => "URI too long",
            Self::HeadersTooLarge => "Request header fields too large",
            Self::Internal => "Internal error",
            Self::Unavailable => "Service unavailable",
        }
    }
}
