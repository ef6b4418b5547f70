//! The framework's own errors, put into our words.

use std::io;

use poem::error::{MethodNotAllowedError, NotFoundError, ReadBodyError};
use poem::http::StatusCode;
use poem_openapi::error::{ParseParamError, ParsePathError};

use super::{Code, Problem};

impl From<poem::Error> for Problem {
    fn from(error: poem::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(problem) => return problem,
            Err(error) => error,
        };
        // Requests are held against the contract before: what comes here, it does not say.
        if let Some(error) = error.downcast_ref::<ParseParamError>() {
            return Self::parameter(error.name, "cannot be used");
        }
        if error.is::<ParsePathError>() {
            return Self::new(Code::InvalidParameter, "the path cannot be used");
        }
        if error.is::<NotFoundError>() {
            return Self::new(Code::NotFound, "there is nothing at this path");
        }
        if error.is::<MethodNotAllowedError>() {
            return Self::new(
                Code::MethodNotAllowed,
                "the Allow header lists what is allowed",
            );
        }
        if let Some(error) = error.downcast_ref::<ReadBodyError>() {
            return Self::unreadable_body(error);
        }
        match error.status() {
            StatusCode::NOT_FOUND => Self::new(Code::NotFound, "there is nothing at this path"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::new(
                Code::UnsupportedMediaType,
                "send Content-Type: application/json",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(Code::BodyTooLarge, "send less"),
            status if status.is_client_error() => {
                Self::new(Code::BadRequest, "see the API's reference")
            }
            _ => Self::internal(error.to_string()),
        }
    }
}

impl Problem {
    /// The request body did not arrive as expected.
    pub fn unreadable_body(error: &ReadBodyError) -> Self {
        match error {
            ReadBodyError::PayloadTooLarge => {
                Self::new(Code::BodyTooLarge, "no request needs a body this large")
            }
            ReadBodyError::Io(late) if late.kind() == io::ErrorKind::TimedOut => {
                Self::new(Code::BadRequest, "the body took too long to arrive")
            }
            ReadBodyError::Utf8(_) | ReadBodyError::Io(_) => {
                Self::new(Code::BadRequest, "the body could not be read to its end")
            }
            ReadBodyError::BodyHasBeenTaken => Self::internal("the body was read twice"),
        }
    }
}
