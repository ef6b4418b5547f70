//! JSON bodies, in and out. Unlike the framework's own, it bounds what it reads and holds it against the contract.

use std::time::Duration;

use media::Sha256;
use poem::error::ReadBodyError;
use poem::{Body, IntoResponse, Request, RequestBody, Response};
use poem_openapi::payload::{ParsePayload, Payload};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchemaRef, Registry};
use poem_openapi::types::{ParseFromJSON, ToJSON, Type};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;

use crate::contract;
use crate::http::problem::{Code, Problem};

/// Most bytes of a request body. The largest honest one lists 10 000 parts with their entity tags.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// How much of a body that is too large is still read, and for how long.
const MAX_DRAINED_BYTES: u64 = 16 * 1024 * 1024;
const DRAIN: Duration = Duration::from_secs(5);

/// A JSON body.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: Type> Payload for JsonBody<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ToJSON> IntoResponse for JsonBody<T> {
    fn into_response(self) -> Response {
        let body = self.0.to_json_string();
        Response::builder()
            .content_type(Self::CONTENT_TYPE)
            .body(body)
    }
}

impl<T: ParseFromJSON> ParsePayload for JsonBody<T> {
    const IS_REQUIRED: bool = T::IS_REQUIRED;

    async fn from_request(request: &Request, body: &mut RequestBody) -> poem::Result<Self> {
        let bytes = read(body.take()?).await;
        let bytes = bytes.map_err(|error| Problem::unreadable_body(&error))?;
        if bytes.is_empty() && !T::IS_REQUIRED {
            return Ok(Self(parse(Value::Null)?));
        }
        if !is_json(request.content_type()) {
            let detail = "send Content-Type: application/json";
            return Err(Problem::new(Code::UnsupportedMediaType, detail).into());
        }
        Ok(Self(parse(contract::read(&bytes)?)?))
    }
}

/// Reads a body of at most [`MAX_BODY_BYTES`]. What is too large is read on for a while and dropped:
/// closing on a client that still writes would cost it the answer.
async fn read(body: Body) -> Result<Vec<u8>, ReadBodyError> {
    let mut reader = body.into_async_read();
    let mut bytes = Vec::new();
    let mut bounded = (&mut reader).take(MAX_BODY_BYTES as u64 + 1);
    bounded
        .read_to_end(&mut bytes)
        .await
        .map_err(ReadBodyError::Io)?;
    if bytes.len() <= MAX_BODY_BYTES {
        return Ok(bytes);
    }
    let (mut rest, mut nowhere) = (reader.take(MAX_DRAINED_BYTES), tokio::io::sink());
    let rest = tokio::io::copy(&mut rest, &mut nowhere);
    // Best effort: the answer is the same however this ends.
    let _ = tokio::time::timeout(DRAIN, rest).await;
    Err(ReadBodyError::PayloadTooLarge)
}

impl<'a, T: ParseFromJSON> ApiExtractor<'a> for JsonBody<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        <Self as Payload>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: None,
            content: vec![MetaMediaType {
                content_type: Self::CONTENT_TYPE,
                schema: Self::schema_ref(),
            }],
            required: <Self as ParsePayload>::IS_REQUIRED,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        <Self as ParsePayload>::from_request(request, body).await
    }
}

/// Digest of a request, for telling whether two are the same.
pub fn fingerprint<T: ToJSON>(body: &T) -> Sha256 {
    Sha256::of(body.to_json_string().as_bytes())
}

/// The contract says whether the value can be used; what passes, the framework can read.
fn parse<T: ParseFromJSON>(mut value: Value) -> Result<T, Problem> {
    if T::IS_REQUIRED || !value.is_null() {
        let MetaSchemaRef::Reference(name) = T::schema_ref() else {
            return Err(Problem::internal("a body without a named schema"));
        };
        contract::check_body(&name, &mut value)?;
    }
    T::parse_from_json(Some(value)).map_err(|_| Problem::field("", "cannot be used"))
}

fn is_json(content_type: Option<&str>) -> bool {
    let essence = content_type
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    essence.eq_ignore_ascii_case("application/json")
}
