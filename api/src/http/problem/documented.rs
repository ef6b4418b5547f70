//! Lets each operation document exactly the errors it can answer with.

use std::marker::PhantomData;

use poem_openapi::ApiResponse;
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::Type;

use super::body::ProblemBody;
use super::{MEDIA_TYPE, Problem};

/// The statuses of one operation's errors.
pub trait Statuses: Send + Sync + 'static {
    /// In ascending order, without repeats.
    const STATUSES: &'static [u16];
    /// What a 403 means here, with its codes.
    const FORBIDDEN: &'static str = "The API key does not allow this: `scope_missing`.";
    /// What a 409 means here, with its codes.
    const CONFLICT: &'static str = "It is not in the state that this needs: `conflict`.";
    /// What a 410 means here, with its codes.
    const GONE: &'static str = "The upload was not finished in time: `upload_expired`.";
    /// What a 429 means here, with its codes.
    const TOO_MANY: &'static str =
        "The owner's keys, or wrong ones, came too often: `too_many_requests`. Try again.";
    /// What a 413 means here, with its codes.
    const TOO_LARGE: &'static str = "Too large: `body_too_large`.";
    /// What a 422 means here, with its codes.
    const UNPROCESSABLE: &'static str = "A value cannot be used: `invalid_field`.";
}

/// A [`Problem`] of an operation with the errors `S`. Says nothing new at run time.
#[derive(Debug)]
pub struct Refused<S>(Problem, PhantomData<S>);

impl<S> From<Problem> for Refused<S> {
    fn from(problem: Problem) -> Self {
        Self(problem, PhantomData)
    }
}

impl<S> From<Refused<S>> for poem::Error {
    fn from(refused: Refused<S>) -> Self {
        refused.0.into()
    }
}

struct ProblemPayload;

impl Payload for ProblemPayload {
    const CONTENT_TYPE: &'static str = MEDIA_TYPE;

    fn schema_ref() -> MetaSchemaRef {
        ProblemBody::schema_ref()
    }

    fn register(registry: &mut Registry) {
        ProblemBody::register(registry);
    }
}

impl<S: Statuses> ApiResponse for Refused<S> {
    fn meta() -> MetaResponses {
        let response = |status: &u16| MetaResponse {
            description: description::<S>(*status),
            status: Some(*status),
            status_range: None,
            content: vec![MetaMediaType {
                content_type: ProblemPayload::CONTENT_TYPE,
                schema: ProblemPayload::schema_ref(),
            }],
            headers: vec![],
        };
        MetaResponses {
            responses: S::STATUSES.iter().map(response).collect(),
        }
    }

    fn register(registry: &mut Registry) {
        ProblemPayload::register(registry);
    }
}

fn description<S: Statuses>(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be read: `malformed_json` or `invalid_parameter`.",
        401 => "No API key, or not a valid one: `unauthenticated`.",
        403 => S::FORBIDDEN,
        404 => "There is no such thing, or it is not yours: `not_found`.",
        405 => "The method is not allowed here: `method_not_allowed`.",
        409 => S::CONFLICT,
        410 => S::GONE,
        413 => S::TOO_LARGE,
        415 => {
            "The body must be JSON in UTF-8, without a content coding: `unsupported_media_type`."
        }
        422 => S::UNPROCESSABLE,
        429 => S::TOO_MANY,
        503 => "The database or the object store does not answer: `unavailable`. Try again.",
        _ => "A fault of ours: `internal`.",
    }
}
