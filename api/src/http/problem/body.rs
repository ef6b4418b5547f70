//! What clients read: the body of a problem.

use std::fmt;

use poem_openapi::Object;
use uuid::Uuid;

use super::Code;
use crate::contract::Count;

/// An error, in the shape of RFC 9457. Branch on `code`; the texts are for people and may change.
#[derive(Debug, Object)]
#[oai(rename = "Problem", skip_serializing_if_is_none)]
pub struct ProblemBody {
    /// A registered problem type, or where the code is explained: a path of this service.
    #[oai(rename = "type")]
    pub type_url: String,
    /// What kind of problem it is, in one line.
    pub title: String,
    /// The HTTP status, again.
    #[oai(validator(minimum(value = "400"), maximum(value = "599")))]
    pub status: u16,
    /// What happened this time, and what to do about it.
    pub detail: String,
    /// The stable name of the cause.
    pub code: Code,
    /// Names this request; also in the `X-Request-Id` header and in our logs.
    pub request_id: String,
    /// Which fields or parameters cannot be used, if that is the cause.
    pub errors: Option<Vec<FieldError>>,
    /// Which parts are meant, if that is the cause. At most the first 1000.
    pub part_numbers: Option<Vec<u16>>,
    /// What is allowed, with its unit, if a limit is the cause.
    pub limit: Option<String>,
    /// What was found, with its unit.
    pub measured: Option<String>,
    /// Where the upload stands, in bytes, if the bytes sent begin elsewhere.
    #[oai(rename = "expected-offset")]
    pub expected_offset: Option<Count>,
    /// Where the bytes sent begin.
    #[oai(rename = "provided-offset")]
    pub provided_offset: Option<Count>,
    /// Which quota is the cause, and how it stands.
    pub quota: Option<QuotaProblem>,
    /// The file that the upload has become, if the upload is over.
    pub file_id: Option<Uuid>,
}

/// More than an owner, or an upload token, may have.
#[derive(Debug, Object)]
pub struct QuotaProblem {
    /// Of what: `files` or `bytes`.
    pub resource: String,
    /// How much may be.
    pub limit: Count,
    /// How much is.
    pub used: Count,
    /// How much more was asked for.
    pub asked: Count,
}

/// A field or a parameter that cannot be used.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct FieldError {
    /// Where it is in the body, such as `/part_numbers/0` (RFC 6901).
    pub pointer: Option<String>,
    /// The name of the query parameter, of the header, or of the parameter in the path.
    pub parameter: Option<String>,
    /// What is wrong with it.
    pub detail: String,
}

impl FieldError {
    /// A field of the body, by its JSON pointer.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer.into()),
            parameter: None,
            detail: detail.into(),
        }
    }

    /// A parameter, by its name.
    pub fn of(parameter: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: None,
            parameter: Some(parameter.into()),
            detail: detail.into(),
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pointer.as_deref(), self.parameter.as_deref()) {
            (Some("") | None, None) => write!(f, "the body {}", self.detail),
            (_, Some("")) => write!(f, "the parameter without a name {}", self.detail),
            (Some(name), _) | (None, Some(name)) => write!(f, "{name} {}", self.detail),
        }
    }
}
