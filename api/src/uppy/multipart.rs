//! The operations, as Companion answers them (transloadit/uppy, `companion/src/server/controllers/s3.ts`).

use std::collections::BTreeMap;

use media::uploads::{ImpossibleSize, Plan, UNDECLARED_TYPE, Upload};
use poem::web::Json;
use poem::{IntoResponse as _, Request, Response};
use poem_openapi::types::ParseFromJSON as _;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::guest::Guest;
use super::read;
use crate::contract::Contract;
use crate::http::problem::{Code, Problem};
use crate::http::trace::TraceParent;
use crate::v1::uploads::complete::{self, CompleteUpload, SentPart};
use crate::v1::uploads::initiate::{self, InitiateUpload, Terms};
use crate::v1::uploads::{abort, list_parts, room, view};

/// Parts signed in one request.
const MOST_PARTS: usize = 1000;

/// What Uppy puts into the metadata by itself, or we ask for.
const OWN_METADATA: [&str; 5] = ["size", "sha256", "name", "type", "relativePath"];

/// A file that is to be sent.
#[derive(Default, Deserialize)]
pub struct Create {
    pub filename: Option<String>,
    #[serde(rename = "type")]
    pub content_type: Option<String>,
    #[serde(default)]
    pub metadata: Map<String, Value>,
}

/// `POST s3/multipart`: opens an upload. Its size comes in the metadata, since Uppy sends none.
pub async fn create(mut request: Request) -> Result<Response, Problem> {
    let body = request.take_body();
    let guest = Guest::of(&request).await?;
    let upload = open(&guest, &request, read(body).await?, Plan::as_uppy).await?;
    let id = upload.upload_id;
    Ok(Json(json!({ "key": id, "uploadId": id, "bucket": BUCKET })).into_response())
}

/// Opens an upload by the right of the token.
pub async fn open(
    guest: &Guest<'_>,
    request: &Request,
    create: Create,
    plan: fn(u64, u64) -> Result<Plan, ImpossibleSize>,
) -> Result<Upload, Problem> {
    let body = initiate_upload(request, create)?;
    let bytes = body.size_bytes.unsigned_abs();
    if !guest.grant.has_room(bytes) {
        return Err(room::token_used_up(&guest.grant, bytes));
    }
    let declared = body.content_type.as_deref().unwrap_or(UNDECLARED_TYPE);
    if !guest.grant.allows_type(declared) {
        let allowed = guest.grant.content_types.join(", ");
        let detail = "the upload token does not allow this type of file";
        return Err(Problem::new(Code::UnsupportedType, detail).measured(allowed, declared));
    }
    let terms = Terms {
        plan,
        token: Some(&guest.grant),
    };
    initiate::begin(guest.state, &guest.grant.owner_id, None, body, &terms).await
}

/// The bucket's name is nobody's business.
pub const BUCKET: &str = "uploads";

/// The same request as our own clients send, held against the same contract.
fn initiate_upload(request: &Request, create: Create) -> Result<InitiateUpload, Problem> {
    let size = create.metadata.get("size").and_then(number);
    let detail = "must be the file's size in bytes: uppy.setFileMeta(file.id, { size: file.size })";
    let size = size.ok_or_else(|| Problem::field("/metadata/size", detail))?;
    let kept = create.metadata.iter().filter_map(|(name, value)| {
        let text = value
            .as_str()
            .filter(|_| !OWN_METADATA.contains(&name.as_str()))?;
        Some((name.clone(), text.to_owned()))
    });
    let kept: BTreeMap<String, String> = kept.collect();
    let body = json!({
        "filename": create.filename.unwrap_or_default(),
        "content_type": create.content_type,
        "size_bytes": size,
        "sha256": create.metadata.get("sha256"),
        "metadata": kept,
    });
    let contract = request.data::<&'static Contract>();
    let contract = contract.ok_or_else(|| Problem::internal("a request without a contract"))?;
    contract.check_body("InitiateUpload", &body)?;
    InitiateUpload::parse_from_json(Some(body)).map_err(|_| Problem::field("", "cannot be used"))
}

/// A number, also one that was made a text on its way through a form.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// `GET s3/multipart/{id}`: the parts that have arrived.
pub async fn list(request: Request) -> Result<Response, Problem> {
    let guest = Guest::of(&request).await?;
    let upload = guest.upload(&request).await?;
    view::ensure_open(&upload, guest.state.now())?;
    let parts = list_parts::stored(guest.state, &upload).await?;
    let parts = parts.into_iter().map(
        |part| json!({ "PartNumber": part.number, "Size": part.size_bytes, "ETag": part.etag }),
    );
    Ok(Json(Value::Array(parts.collect())).into_response())
}

/// `GET s3/multipart/{id}/{part}`: an address for one part.
pub async fn sign(request: Request) -> Result<Response, Problem> {
    let guest = Guest::of(&request).await?;
    let upload = guest.upload(&request).await?;
    view::ensure_open(&upload, guest.state.now())?;
    let number = request.raw_path_param("part_number").unwrap_or_default();
    let signed = address(&guest, &upload, number).await?;
    Ok(Json(signed).into_response())
}

/// `GET s3/multipart/{id}/batch?partNumbers=1,2`: addresses for several parts.
pub async fn sign_many(request: Request) -> Result<Response, Problem> {
    let guest = Guest::of(&request).await?;
    let upload = guest.upload(&request).await?;
    view::ensure_open(&upload, guest.state.now())?;
    let query: Vec<(String, String)> = request.params().unwrap_or_default();
    let numbers = query.iter().find(|(name, _)| name == "partNumbers");
    let numbers: Vec<_> = numbers
        .map_or("", |(_, numbers)| numbers)
        .split(',')
        .collect();
    if numbers.len() > MOST_PARTS {
        return Err(Problem::parameter(
            "partNumbers",
            "must have at most 1000 numbers",
        ));
    }
    let mut urls = Map::new();
    for number in numbers {
        let signed = address(&guest, &upload, number).await?;
        urls.insert(number.to_owned(), signed["url"].clone());
    }
    Ok(Json(json!({ "presignedUrls": urls })).into_response())
}

async fn address(guest: &Guest<'_>, upload: &Upload, number: &str) -> Result<Value, Problem> {
    let wrong = || {
        let detail = format!("must be 1 to {}", upload.plan.part_count);
        Problem::parameter("part_number", detail)
    };
    let number: u16 = number.parse().map_err(|_| wrong())?;
    let part = view::sign(guest.state, upload, number).await?;
    let part = part.ok_or_else(wrong)?;
    let left = chrono::DateTime::from(part.expires_at) - guest.state.now();
    Ok(json!({ "url": part.url, "expires": left.num_seconds().max(1), "headers": part.headers }))
}

#[derive(Deserialize)]
struct Complete {
    parts: Vec<CompletePart>,
}

#[derive(Deserialize)]
struct CompletePart {
    #[serde(rename = "PartNumber")]
    number: u16,
    #[serde(rename = "ETag")]
    etag: String,
}

/// `POST s3/multipart/{id}/complete`: the file enters its workflow.
pub async fn complete(mut request: Request) -> Result<Response, Problem> {
    let body = request.take_body();
    let guest = Guest::of(&request).await?;
    let upload = guest.upload(&request).await?;
    let Complete { parts } = read(body).await?;
    let parts = parts.into_iter().map(|part| SentPart {
        part_number: part.number,
        etag: part.etag,
    });
    let parts = CompleteUpload {
        parts: parts.collect(),
        sha256: None,
    };
    let trace = request.data::<TraceParent>();
    let trace = trace.ok_or_else(|| Problem::internal("a request without a trace"))?;
    let (owner_id, id) = (&guest.grant.owner_id, upload.upload_id);
    let done = complete::run(guest.state, owner_id, id, Some(parts), trace).await?;
    let location = format!("/v1/files/{}", done.file_id);
    Ok(Json(json!({ "location": location, "key": id, "bucket": BUCKET })).into_response())
}

/// `DELETE s3/multipart/{id}`: the client gives up.
pub async fn abort(request: Request) -> Result<Response, Problem> {
    let guest = Guest::of(&request).await?;
    let upload = guest.upload(&request).await?;
    abort::run(guest.state, &guest.grant.owner_id, upload.upload_id).await?;
    Ok(Json(json!({})).into_response())
}
