//! JSON bodies, in and out. Unlike the framework's own, it bounds what it reads and holds it against the contract.

use std::time::Duration;

use media::Sha256;
use poem::error::ReadBodyError;
use poem::http::{HeaderValue, header};
use poem::{Body, IntoResponse, Request, RequestBody, Response};
use poem_openapi::payload::{ParsePayload, Payload};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchemaRef, Registry};
use poem_openapi::types::{ParseFromJSON, ToJSON, Type};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;

use crate::contract::{self, Contract};
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
        plain(request)?;
        let bytes = bytes(body.take()?).await?;
        if bytes.is_empty() && !T::IS_REQUIRED {
            return Ok(Self(read_as(Value::Null)?));
        }
        is_json(request.content_type().unwrap_or_default())?;
        Ok(Self(parse(request, contract::read(&bytes)?)?))
    }
}

/// All bytes of a body, which are not too many.
pub async fn bytes(body: Body) -> Result<Vec<u8>, Problem> {
    let bytes = read(body).await;
    bytes.map_err(|error| Problem::unreadable_body(&error))
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
fn parse<T: ParseFromJSON>(request: &Request, value: Value) -> Result<T, Problem> {
    let MetaSchemaRef::Reference(name) = T::schema_ref() else {
        return Err(Problem::internal("a body without a named schema"));
    };
    let contract = request.data::<&'static Contract>();
    let contract = contract.ok_or_else(|| Problem::internal("a request without a contract"))?;
    contract.check_body(&name, &value)?;
    read_as(value)
}

fn read_as<T: ParseFromJSON>(value: Value) -> Result<T, Problem> {
    T::parse_from_json(Some(value)).map_err(|_| Problem::field("", "cannot be used"))
}

/// Refuses a body that was compressed or otherwise coded (RFC 9110 §15.5.16): nobody here would undo it.
fn plain(request: &Request) -> Result<(), Problem> {
    let codings = request.headers().get_all(header::CONTENT_ENCODING).iter();
    let mut codings = codings.flat_map(|value| value.as_bytes().split(|b| *b == b','));
    if codings.all(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    let detail = "send the body as it is, without Content-Encoding";
    Err(Problem::new(Code::UnsupportedMediaType, detail).header(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    ))
}

/// JSON is UTF-8 (RFC 8259 §8.1), so that is the only `charset` which may be named.
fn is_json(content_type: &str) -> Result<(), Problem> {
    let refused = |detail| Err(Problem::new(Code::UnsupportedMediaType, detail));
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !essence.trim().eq_ignore_ascii_case("application/json") {
        return refused("send Content-Type: application/json");
    }
    for parameter in parameters.split(';') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        if name.trim().eq_ignore_ascii_case("charset") && !value.eq_ignore_ascii_case("utf-8") {
            return refused("send JSON as UTF-8: charset=utf-8, or none");
        }
    }
    Ok(())
}
