//! What can go wrong with the store, sorted by what the caller should do next.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata, SdkError};

/// Codes of answers below 500 that say nothing about the request.
const TRANSIENT_CODES: [&str; 5] = [
    "ConditionalRequestConflict",
    "IncompleteBody",
    "OperationAborted",
    "RequestTimeout",
    "SlowDown",
];

/// Codes of refusals that are about the bucket, the credentials or the store itself. Numbers are statuses of answers
/// without a code.
const OUTAGE_CODES: [&str; 20] = [
    "301",
    "307",
    "401",
    "403",
    "507",
    "AccessDenied",
    "AccountProblem",
    "AllAccessDisabled",
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "InsufficientStorage",
    "InvalidAccessKeyId",
    "InvalidToken",
    "NoSuchBucket",
    "PermanentRedirect",
    "QuotaExceeded",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TemporaryRedirect",
    "XMinioStorageFull",
];

/// A call to the object store failed.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// No such object.
    #[error("object not found")]
    NotFound,
    /// `If-Match` did not hold: the object is not the one that was looked at (412).
    #[error("object changed: precondition failed")]
    PreconditionFailed,
    /// The multipart upload was completed, aborted, or never existed.
    #[error("no such multipart upload")]
    NoSuchUpload,
    /// A part in the list is missing or has another `ETag`; the upload is still there.
    #[error("a part is missing or differs from the one listed")]
    InvalidPart,
    /// A part other than the last is under 5 MiB; the upload is still there.
    #[error("a part other than the last is smaller than 5 MiB")]
    EntityTooSmall,
    /// The range starts beyond the end of the object (416).
    #[error("range is outside the object")]
    RangeNotSatisfiable,
    /// Network, timeout, overload or a fault of the store: worth trying again later.
    #[error("object store unavailable during {operation}")]
    Unavailable {
        /// S3 operation.
        operation: &'static str,
        /// What the SDK saw.
        #[source]
        source: BoxError,
    },
    /// The store understood and said no: keys, permissions or configuration are wrong.
    #[error("object store refused {operation}: {code}")]
    Refused {
        /// S3 operation.
        operation: &'static str,
        /// S3 error code, such as `AccessDenied`.
        code: String,
        /// What the SDK saw.
        #[source]
        source: BoxError,
    },
    /// A request that cannot be built or an answer that makes no sense: a fault of ours or of the store's protocol.
    #[error("{operation} broke the protocol")]
    Protocol {
        /// S3 operation.
        operation: &'static str,
        /// What was wrong.
        #[source]
        source: BoxError,
    },
    /// Whoever holds a signed URL could read every object.
    #[error(
        "the object store obeys headers that were not signed, so that whoever may upload may read every object"
    )]
    ObeysUnsignedHeaders,
    /// A local file could not be read.
    #[error("cannot read the local file")]
    LocalFile(#[source] std::io::Error),
}

impl StorageError {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// Whether this says nothing about the object or the request: the store is away, or bucket, credentials or clock
    /// are not what they should be. When that is mended, the same call succeeds.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::Refused { code, .. } => OUTAGE_CODES.contains(&code.as_str()),
            _ => false,
        }
    }

    /// For `map_err`: a request that cannot be built, or an answer that makes no sense.
    pub(super) fn protocol<E>(operation: &'static str) -> impl Fn(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |error| Self::Protocol {
            operation,
            source: error.into(),
        }
    }

    pub(super) fn from_sdk<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match error {
            SdkError::ServiceError(ref service) => {
                let status = service.raw().status().as_u16();
                let code = service.err().code().unwrap_or_default().to_owned();
                Self::from_answer(operation, status, &code, error.into())
            }
            SdkError::DispatchFailure(ref failure) if failure.is_user() => Self::Protocol {
                operation,
                source: error.into(),
            },
            SdkError::ConstructionFailure(_) => Self::Protocol {
                operation,
                source: error.into(),
            },
            // Timeouts, connections, and answers cut short.
            _ => Self::Unavailable {
                operation,
                source: error.into(),
            },
        }
    }

    /// Sorts by S3's error code first: `CompleteMultipartUpload` and `CopyObject` can answer 200 and carry an error.
    /// Codes are those of the S3 API's *Error responses* page.
    fn from_answer(operation: &'static str, status: u16, code: &str, source: BoxError) -> Self {
        match (code, status) {
            ("NoSuchKey" | "NotFound", _) => Self::NotFound,
            ("NoSuchUpload", _) => Self::NoSuchUpload,
            ("InvalidPart", _) => Self::InvalidPart,
            ("EntityTooSmall", _) => Self::EntityTooSmall,
            ("InvalidRange", _) | (_, 416) => Self::RangeNotSatisfiable,
            ("PreconditionFailed", _) | (_, 412) => Self::PreconditionFailed,
            // An error inside a 200 is S3 having failed after it had begun to answer.
            (_, 200 | 408 | 429 | 500..) => Self::Unavailable { operation, source },
            _ if TRANSIENT_CODES.contains(&code) => Self::Unavailable { operation, source },
            // A HEAD answer has no body, hence no code.
            ("", 404) => Self::NotFound,
            ("", _) => Self::Refused {
                operation,
                code: status.to_string(),
                source,
            },
            _ => Self::Refused {
                operation,
                code: code.to_owned(),
                source,
            },
        }
    }
}
