//! `POST /v1/resumable`: opens an upload, perhaps with its first bytes, or all of them.

use std::collections::BTreeMap;

use api::http::problem::{Code, Problem};
use api::v1::uploads::declare::{impossible, must_be_taken};
use api::v1::uploads::initiate;
use media::uploads::{Declared, Plan, UNDECLARED_TYPE, Upload, resumable};
use media::{OwnerId, Sha256, filename};
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Request, Response};

use super::Place;
use super::answers::{self, Standing};
use super::concat::{self, Concat, Whole};
use super::fields::{self, Metadata};
use super::news::News;
use super::protocol::{self, Protocol, Said, inconsistent};
use super::receive::{Incoming, Received, receive};

/// What a file is called that came without a name.
const NAMELESS: &str = "upload";

/// Types that speak of the request, or that clients send without being asked.
const NO_TYPES: [&str; 3] = [
    "application/x-www-form-urlencoded",
    "application/partial-upload",
    "application/offset+octet-stream",
];

/// Opens an upload, or makes one file of several.
pub async fn run(place: &Place, protocol: Protocol, request: Request) -> Result<Response, Problem> {
    let owner_id = place.owner(&request).await?;
    let said = Said::of(&request, protocol)?;
    let (declared, metadata) = declared(&request, protocol)?;
    match concat::said(place, protocol, &request)? {
        Some(Concat::Final(partial)) => {
            let trace = Place::trace(&request);
            let whole = Whole {
                owner_id,
                partial,
                declared,
                metadata,
                trace,
            };
            put_together(place, &said, whole).await
        }
        partial => {
            let new = New {
                owner_id,
                said,
                declared,
                metadata,
                partial: partial.map(|_| resumable::PARTIAL),
                sha512: whole_digest(&request, protocol, "sha-512")?,
            };
            open(place, request, new).await
        }
    }
}

/// An upload that is asked for.
struct New {
    owner_id: OwnerId,
    said: Said,
    declared: Declared,
    metadata: Option<String>,
    /// What it is in a concatenation.
    partial: Option<&'static str>,
    sha512: Option<[u8; 64]>,
}

async fn open(place: &Place, mut request: Request, new: New) -> Result<Response, Problem> {
    let New {
        owner_id,
        said,
        declared,
        metadata,
        partial,
        sha512,
    } = new;
    let protocol = said.protocol;
    let length = announced(&request, &said)?;
    let max_size = place.limits.max_size;
    must_be_taken(&place.state, &declared.mime_type, length.unwrap_or(0))?;
    let plan = Plan::resumable(length.unwrap_or(max_size), max_size).map_err(impossible)?;
    let with_bytes = with_bytes(&request, &said)?;
    let state = &place.state;
    let opened = async {
        let upload = initiate::open_as(state, &owner_id, None, (declared, plan), None).await?;
        let mut connection = media::pool::borrow(&state.pool).await?;
        let id = upload.upload_id;
        let new = resumable::New {
            length_bytes: length,
            metadata: metadata.as_deref(),
            concat: partial,
            sha512: sha512.as_ref(),
        };
        resumable::create(&mut connection, id, new).await?;
        Ok(upload)
    };
    let upload = place.soon(Box::pin(opened)).await?;
    let location = answers::location(upload.upload_id);
    let news = News::of(&request, protocol);
    let max_age = answers::max_age(&upload, state.now());
    news.created(location.clone(), place.limits, max_age).await;
    let received = if with_bytes {
        let incoming = Incoming {
            said,
            body: request.take_body(),
            news,
            trace: Place::trace(&request),
        };
        first_bytes(place, &upload, incoming).await
    } else {
        Ok(Received {
            offset: 0,
            length,
            completed: None,
        })
    };
    // Also who is refused wants to know where to go on.
    let received = received.map_err(|problem| match HeaderValue::from_str(&location) {
        Ok(location) => problem.header(header::LOCATION, location),
        Err(_) => problem,
    })?;
    Ok(created(place, protocol, &upload, &received, partial))
}

/// Answers a request that makes one file of several uploads.
async fn put_together(place: &Place, said: &Said, whole: Whole) -> Result<Response, Problem> {
    if said.length.is_some() {
        let detail = "has no meaning here: the uploads have their lengths";
        return Err(Problem::parameter("upload-length", detail));
    }
    if said.content_length != Some(0) {
        let detail = "send no bytes: the uploads have theirs";
        return Err(Problem::new(Code::BadRequest, detail));
    }
    let concat = Concat::Final(whole.partial.clone()).to_string();
    let (upload, file) = concat::join(place, whole).await?;
    let received = Received {
        offset: upload.plan.size_bytes,
        length: Some(upload.plan.size_bytes),
        completed: Some(file),
    };
    Ok(created(
        place,
        said.protocol,
        &upload,
        &received,
        Some(&concat),
    ))
}

fn created(
    place: &Place,
    protocol: Protocol,
    upload: &Upload,
    received: &Received,
    concat: Option<&str>,
) -> Response {
    let standing = Standing {
        upload,
        offset: received.offset,
        length: received.length,
        complete: received.completed.is_some(),
        now: place.state.now(),
    };
    let status = match (protocol, &received.completed) {
        (Protocol::Draft(_), Some(_)) => StatusCode::OK,
        _ => StatusCode::CREATED,
    };
    let location = answers::location(upload.upload_id);
    let mut answer = answers::standing(protocol, place.limits, status, &standing)
        .header(header::LOCATION, location);
    if let Some(concat) = concat {
        answer = answer.header("upload-concat", concat);
    }
    match (protocol, &received.completed) {
        (Protocol::Draft(_), Some(file)) => answers::completed(answer, file),
        _ => answer.finish(),
    }
}

async fn first_bytes(
    place: &Place,
    upload: &Upload,
    incoming: Incoming,
) -> Result<Received, Problem> {
    let progress = place.take(upload).await?;
    let hold = place.held.hold(&place.state.pool, upload, progress.epoch)?;
    receive(place, (upload, progress, &hold), incoming).await
}

/// Bytes of the whole file as the request announces them.
fn announced(request: &Request, said: &Said) -> Result<Option<u64>, Problem> {
    match said.protocol {
        Protocol::Tus => match (said.length, request.header("upload-defer-length")) {
            (Some(length), None) => Ok(Some(length)),
            (None, Some("1")) => Ok(None),
            _ => Err(Problem::parameter(
                "upload-length",
                "must be there, or Upload-Defer-Length: 1",
            )),
        },
        Protocol::Draft(_) => {
            if said.complete.is_none() {
                let detail = "must be ?1 or ?0; or send tus 1.0.0 with Tus-Resumable";
                return Err(Problem::parameter("upload-complete", detail));
            }
            let length = said.agreed_length(None, 0)?;
            let bytes = said.content_length.unwrap_or(0);
            match length.filter(|length| bytes > *length) {
                None => Ok(length),
                Some(length) => Err(inconsistent(format!(
                    "the file was to be {length} bytes, and {bytes} come with this request"
                ))),
            }
        }
    }
}

/// Whether the request has bytes of the file.
fn with_bytes(request: &Request, said: &Said) -> Result<bool, Problem> {
    let empty = said.content_length == Some(0);
    match said.protocol {
        Protocol::Tus if empty => Ok(false),
        Protocol::Tus => protocol::is_of_bytes(request, said.protocol).map(|()| true),
        Protocol::Draft(_) => Ok(!empty || said.complete == Some(true)),
    }
}

/// What the request says of the file, and what it wants to be given back.
fn declared(request: &Request, protocol: Protocol) -> Result<(Declared, Option<String>), Problem> {
    let metadata = request
        .header("upload-metadata")
        .filter(|_| protocol == Protocol::Tus);
    let said = match protocol {
        Protocol::Tus => fields::tus_metadata(metadata.unwrap_or_default())
            .map_err(|wrong| Problem::parameter("upload-metadata", wrong))?,
        Protocol::Draft(_) => Metadata {
            filename: request
                .header(header::CONTENT_DISPOSITION)
                .and_then(fields::disposition_filename),
            media_type: request.content_type().map(Into::into),
        },
    };
    let name: String = said
        .filename
        .unwrap_or_default()
        .chars()
        .take(255)
        .collect();
    let media_type = said.media_type.filter(|text| is_media_type(text));
    let sha256 = whole_digest(request, protocol, "sha-256")?;
    let declared = Declared {
        filename: filename::cleaned(&name).unwrap_or_else(|| NAMELESS.to_owned()),
        mime_type: media_type.unwrap_or_else(|| UNDECLARED_TYPE.to_owned()),
        sha256: sha256.map(Sha256::from_bytes),
        metadata: BTreeMap::new(),
    };
    Ok((declared, metadata.map(Into::into)))
}

/// `type/subtype`, perhaps with parameters (RFC 9110 §8.3.1). What is none is passed over: the bytes will tell.
fn is_media_type(text: &str) -> bool {
    let token = |text: &str| {
        let one = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+.^_`|~-".contains(&b);
        !text.is_empty() && text.bytes().all(one)
    };
    let (essence, rest) = text.split_once(';').unwrap_or((text, ""));
    let printable = rest.bytes().all(|b| (b' '..=b'~').contains(&b));
    let parts = essence.trim().split_once('/');
    let of_the_file = !NO_TYPES
        .iter()
        .any(|no| no.eq_ignore_ascii_case(essence.trim()));
    text.len() <= 255
        && printable
        && of_the_file
        && parts.is_some_and(|(a, b)| token(a) && token(b))
}

/// A digest of the whole file (`Repr-Digest`, RFC 9530 §3), which is compared when it is scanned. Algorithms that nobody
/// asks for here are passed over; tus has none.
fn whole_digest<const BYTES: usize>(
    request: &Request,
    protocol: Protocol,
    algorithm: &str,
) -> Result<Option<[u8; BYTES]>, Problem> {
    let digests = request.header("repr-digest");
    let digests = digests.filter(|_| protocol != Protocol::Tus);
    let digests = fields::byte_sequences(digests.unwrap_or_default());
    let found = digests.iter().find(|(name, _)| *name == algorithm);
    let digest = found.map(|(_, digest)| digest.as_slice().try_into());
    digest.transpose().map_err(|_| {
        let detail = format!("must have {BYTES} bytes as {algorithm}");
        Problem::parameter("repr-digest", detail)
    })
}
