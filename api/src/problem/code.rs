//! The causes an error can have. One stable code per cause; codes are a contract and never renamed.

use poem::http::StatusCode;

/// A cause, as clients branch on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The body is not JSON.
    MalformedJson,
    /// A query, path or header parameter cannot be read.
    InvalidParameter,
    /// No key, or not a valid one.
    Unauthenticated,
    /// The key does not allow this.
    ScopeMissing,
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
    /// The upload was not finished in time.
    UploadExpired,
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
    /// The idempotency key came with another request before.
    IdempotencyKeyReused,
    /// A request that this server cannot understand.
    BadRequest,
    /// A fault of ours.
    Internal,
    /// The database or the object store does not answer; try again.
    Unavailable,
}

impl Code {
    /// HTTP status, stable string, title.
    const fn facts(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::MalformedJson => (S::BAD_REQUEST, "malformed_json", "The body is not JSON"),
            Self::InvalidParameter => (
                S::BAD_REQUEST,
                "invalid_parameter",
                "A parameter cannot be used",
            ),
            Self::BadRequest => (
                S::BAD_REQUEST,
                "bad_request",
                "The request cannot be understood",
            ),
            Self::Unauthenticated => (
                S::UNAUTHORIZED,
                "unauthenticated",
                "A valid API key is needed",
            ),
            Self::ScopeMissing => (
                S::FORBIDDEN,
                "scope_missing",
                "The API key does not allow this",
            ),
            Self::NotFound => (S::NOT_FOUND, "not_found", "Nothing is here"),
            Self::MethodNotAllowed => (
                S::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "The method is not allowed here",
            ),
            Self::UploadCompleted => (
                S::CONFLICT,
                "upload_completed",
                "The upload is already complete",
            ),
            Self::UploadAborted => (S::CONFLICT, "upload_aborted", "The upload was aborted"),
            Self::PartsMissing => (S::CONFLICT, "parts_missing", "Parts are missing"),
            Self::SizeMismatch => (
                S::CONFLICT,
                "size_mismatch",
                "The stored bytes are not as many as declared",
            ),
            Self::EtagMismatch => (
                S::CONFLICT,
                "etag_mismatch",
                "Stored parts are not the ones listed",
            ),
            Self::UploadExpired => (S::GONE, "upload_expired", "The upload has expired"),
            Self::BodyTooLarge => (
                S::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "The request body is too large",
            ),
            Self::FileTooLarge => (
                S::PAYLOAD_TOO_LARGE,
                "file_too_large",
                "The file is too large",
            ),
            Self::UnsupportedMediaType => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "The body must be application/json",
            ),
            Self::RangeNotSatisfiable => (
                S::RANGE_NOT_SATISFIABLE,
                "range_not_satisfiable",
                "The range is outside of the object",
            ),
            Self::InvalidField => (
                S::UNPROCESSABLE_ENTITY,
                "invalid_field",
                "A field cannot be used",
            ),
            Self::FileEmpty => (S::UNPROCESSABLE_ENTITY, "file_empty", "The file is empty"),
            Self::IdempotencyKeyReused => (
                S::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "The idempotency key belongs to another request",
            ),
            Self::Internal => (
                S::INTERNAL_SERVER_ERROR,
                "internal",
                "Something went wrong on our side",
            ),
            Self::Unavailable => (
                S::SERVICE_UNAVAILABLE,
                "unavailable",
                "A part of the service does not answer",
            ),
        }
    }

    /// HTTP status.
    pub const fn status(self) -> StatusCode {
        self.facts().0
    }

    /// The stable string.
    pub const fn as_str(self) -> &'static str {
        self.facts().1
    }

    /// One line for people, the same for every occurrence (RFC 9457 §3.1.3).
    pub const fn title(self) -> &'static str {
        self.facts().2
    }
}
