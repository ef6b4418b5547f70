//! Errors as clients see them: `application/problem+json` (RFC 9457), made here and nowhere else.
//!
//! Handlers return a [`Problem`]; the request middleware renders it, adds the request id, and logs it if it is ours.

mod admin;
mod advice;
mod body;
mod causes;
mod code;
mod documented;
mod foreign;
mod outages;

use std::error::Error as StdError;
use std::fmt;

use poem::Response;
use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem_openapi::types::ToJSON as _;
use uuid::Uuid;

use self::body::ProblemBody;
pub use self::body::{FieldError, QuotaProblem};
pub use self::causes::Causes;
pub use self::code::Code;
pub use self::documented::{Refused, Statuses};

/// Media type of every error (RFC 9457 §3).
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An error: what the client is told, and what only the log is told.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    told: Box<Told>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Where a protocol asks for another than the code's.
    status: Option<StatusCode>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What the client is told besides the code.
#[derive(Debug, Default)]
struct Told {
    detail: String,
    errors: Option<Vec<FieldError>>,
    part_numbers: Option<Vec<u16>>,
    limit: Option<String>,
    measured: Option<String>,
    /// Expected and provided.
    offsets: Option<(u64, u64)>,
    quota: Option<QuotaProblem>,
    file_id: Option<Uuid>,
}

/// More numbers than these help nobody and make the answer long.
const MAX_PART_NUMBERS: usize = 1000;

impl Problem {
    /// An error with its cause and what to tell the client.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            told: Box::new(Told {
                detail: detail.into(),
                ..Told::default()
            }),
            headers: Vec::new(),
            status: None,
            source: None,
        }
    }

    /// There is no such thing, or it is somebody else's: the two are not told apart.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no such {what}"))
    }

    /// A fault of ours. The client learns nothing but the request id.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let mut problem = Self::new(
            Code::Internal,
            "the fault is logged under the request id; please report it",
        );
        problem.source = Some(source.into());
        problem
    }

    /// The world's fault, which may pass.
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let mut problem = Self::new(Code::Unavailable, "please try again in a moment")
            .header(header::RETRY_AFTER, HeaderValue::from_static("2"));
        problem.source = Some(source.into());
        problem
    }

    /// A field of the body cannot be used. `pointer` is a JSON pointer (RFC 6901); `detail` is read behind it.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::fields(vec![FieldError::at(pointer, detail)])
    }

    /// Fields of the body cannot be used.
    pub fn fields(errors: Vec<FieldError>) -> Self {
        Self::listing(Code::InvalidField, errors)
    }

    /// A parameter cannot be used. `detail` is read behind its name.
    pub fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::parameters(vec![FieldError::of(name, detail)])
    }

    /// Parameters cannot be used.
    pub fn parameters(errors: Vec<FieldError>) -> Self {
        Self::listing(Code::InvalidParameter, errors)
    }

    /// The first is said, all are listed.
    fn listing(code: Code, errors: Vec<FieldError>) -> Self {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        let detail = match errors.len() {
            0 | 1 => first,
            count => format!("{first}; {} more in `errors`", count - 1),
        };
        let mut problem = Self::new(code, detail);
        problem.told.errors = Some(errors);
        problem
    }

    /// Says which file the upload has become.
    #[must_use]
    pub fn file(mut self, file_id: Uuid) -> Self {
        self.told.file_id = Some(file_id);
        self
    }

    /// Says what happened in other words.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.told.detail = detail.into();
        self
    }

    /// Says which parts are meant.
    #[must_use]
    pub fn parts(mut self, mut part_numbers: Vec<u16>) -> Self {
        part_numbers.truncate(MAX_PART_NUMBERS);
        self.told.part_numbers = Some(part_numbers);
        self
    }

    /// Says what is allowed and what was found, each with its unit.
    #[must_use]
    pub fn measured(mut self, limit: impl Into<String>, measured: impl Into<String>) -> Self {
        self.told.limit = Some(limit.into());
        self.told.measured = Some(measured.into());
        self
    }

    /// Says where an upload stands and where the bytes sent begin.
    #[must_use]
    pub fn offsets(mut self, expected: u64, provided: u64) -> Self {
        self.told.offsets = Some((expected, provided));
        self
    }

    /// Has another HTTP status than the code has elsewhere, because a protocol asks for it.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// Its HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status.unwrap_or(self.code.status())
    }

    /// Says which quota there is, and how it stands.
    #[must_use]
    pub fn quota(mut self, quota: QuotaProblem) -> Self {
        self.told.quota = Some(quota);
        self
    }

    /// Adds a response header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Whether it has a response header of this name.
    pub fn has_header(&self, name: &HeaderName) -> bool {
        self.headers.iter().any(|(header, _)| header == name)
    }

    /// The stable code, by which clients tell problems apart.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The answer. Faults of ours are logged here, once, with their whole chain of causes.
    pub fn into_response(self, request_id: &str) -> Response {
        let status = self.status();
        if let Some(source) = &self.source {
            let error = Causes(source.as_ref());
            if self.code == Code::Internal {
                tracing::error!(
                    %error,
                    error.code = self.code.as_str(),
                    "request failed"
                );
            } else {
                tracing::warn!(
                    %error,
                    error.code = self.code.as_str(),
                    "request failed"
                );
            }
        }
        let told = *self.told;
        let body = ProblemBody {
            type_url: self.code.type_url(),
            title: self.code.title().into(),
            status: status.as_u16(),
            detail: told.detail,
            code: self.code,
            request_id: request_id.into(),
            errors: told.errors,
            part_numbers: told.part_numbers,
            limit: told.limit,
            measured: told.measured,
            expected_offset: told.offsets.map(|(expected, _)| expected.into()),
            provided_offset: told.offsets.map(|(_, provided)| provided.into()),
            quota: told.quota,
            file_id: told.file_id,
        };
        let body = body.to_json_string();
        let mut response = Response::builder()
            .status(status)
            .content_type(MEDIA_TYPE)
            .body(body);
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 §11.6.1: a 401 names at least one scheme.
            let scheme = HeaderValue::from_static("Bearer realm=\"mediamill\"");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
        }
        response.headers_mut().extend(self.headers);
        response
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.told.detail)
    }
}

impl StdError for Problem {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_ref()
            .map(|source| &**source as &(dyn StdError + 'static))
    }
}

impl From<Problem> for poem::Error {
    fn from(problem: Problem) -> Self {
        let status = problem.status();
        Self::new(problem, status)
    }
}
