//! A small built-in edge: serves what lies under `media/` in the origin bucket, as a CDN would. For development and
//! small installations. It serves no originals, caches nothing, and holds no object in memory.

mod range;
mod text;

use std::io;

use api::http::problem::{Code, Problem};
use futures::TryStreamExt as _;
use media::keys::SERVED_PREFIX;
use poem::http::{HeaderValue, StatusCode, header};
use poem::web::{Data, Path};
use poem::{Body, Request, Response, handler};
use storage::{
    Bucket, ByteRange, CACHE_FOR_EVER, ObjectInfo, ObjectKey, ObjectStore, StorageError,
};

use self::range::Wanted;

/// `GET /cdn/<key>`: the bytes of a served object, whole or a range (RFC 9110 §14).
#[handler]
pub async fn get(
    request: &Request,
    Path(key): Path<String>,
    store: Data<&ObjectStore>,
) -> poem::Result<Response> {
    let key = served_key(&key)?;
    let (info, answer) = prepare(request, &store, &key).await?;
    let (first, last) = match answer {
        Answer::NotModified => return Ok(headers(StatusCode::NOT_MODIFIED, &info).finish()),
        Answer::Part(first, last) => (first, last),
        Answer::Whole if info.size_bytes == 0 => return Ok(whole(&info).finish()),
        Answer::Whole => (0, info.size_bytes - 1),
    };
    let wanted = Some(ByteRange::Inclusive(first, last));
    let object = store
        .get(Bucket::Origin, &key, wanted)
        .await
        .map_err(problem)?;
    if matches!(answer, Answer::Whole) && text::is_compressed(request, &info) {
        let body = text::compress(object).await.map_err(problem)?;
        return Ok(headers(StatusCode::OK, &info)
            .header(header::CONTENT_ENCODING, "gzip")
            .body(body));
    }
    let body = Body::from_bytes_stream(object.body.map_err(io::Error::other));
    Ok(match answer {
        Answer::Part(..) => partial(&info, first, last).body(body),
        _ => whole(&info).body(body),
    })
}

/// `HEAD /cdn/<key>`: the headers that `GET` would answer with.
#[handler]
pub async fn head(
    request: &Request,
    Path(key): Path<String>,
    store: Data<&ObjectStore>,
) -> poem::Result<Response> {
    let key = served_key(&key)?;
    let (info, answer) = prepare(request, &store, &key).await?;
    Ok(match answer {
        Answer::NotModified => headers(StatusCode::NOT_MODIFIED, &info).finish(),
        // RFC 9110 §14.2: Range means something for GET only.
        Answer::Part(..) | Answer::Whole => whole(&info).finish(),
    })
}

enum Answer {
    NotModified,
    Whole,
    Part(u64, u64),
}

/// Looks the object up and decides, in the order of RFC 9110 §13.2.2.
async fn prepare(
    request: &Request,
    store: &ObjectStore,
    key: &ObjectKey,
) -> Result<(ObjectInfo, Answer), Problem> {
    let info = store.head(Bucket::Origin, key).await?;
    let info = info.ok_or_else(|| Problem::not_found("object"))?;
    if request
        .header(header::IF_NONE_MATCH)
        .is_some_and(|tags| matches(tags, &info.etag))
    {
        return Ok((info, Answer::NotModified));
    }
    // If-Range with another tag, or with a date, asks for the whole object.
    let range = request.header(header::RANGE).filter(|_| {
        request
            .header(header::IF_RANGE)
            .is_none_or(|tag| tag.trim() == info.etag)
    });
    let answer = match range::wanted(range, info.size_bytes) {
        Wanted::Whole => Answer::Whole,
        Wanted::Part(first, last) => Answer::Part(first, last),
        Wanted::Outside => return Err(outside(info.size_bytes)),
    };
    Ok((info, answer))
}

/// Only what is meant to be served has an address.
fn served_key(path: &str) -> Result<ObjectKey, Problem> {
    let served = path.starts_with(SERVED_PREFIX)
        && path
            .split('/')
            .all(|segment| !segment.is_empty() && !segment.starts_with('.'));
    let key = ObjectKey::new(path).ok().filter(|_| served);
    key.ok_or_else(|| Problem::not_found("object"))
}

/// `*` or a list of entity tags; weak comparison (RFC 9110 §13.1.2).
fn matches(tags: &str, etag: &str) -> bool {
    let weak = |tag: &str| tag.trim().trim_start_matches("W/") == etag.trim_start_matches("W/");
    tags.trim() == "*" || tags.split(',').any(weak)
}

fn whole(info: &ObjectInfo) -> poem::ResponseBuilder {
    headers(StatusCode::OK, info).header(header::CONTENT_LENGTH, info.size_bytes)
}

fn partial(info: &ObjectInfo, first: u64, last: u64) -> poem::ResponseBuilder {
    let content_range = format!("bytes {first}-{last}/{}", info.size_bytes);
    headers(StatusCode::PARTIAL_CONTENT, info)
        .header(header::CONTENT_RANGE, content_range)
        .header(header::CONTENT_LENGTH, last - first + 1)
}

fn headers(status: StatusCode, info: &ObjectInfo) -> poem::ResponseBuilder {
    let content_type = info
        .content_type
        .as_deref()
        .unwrap_or("application/octet-stream");
    let mut response = Response::builder();
    if text::is_text(info) {
        // Weak, as it stands for both encodings (RFC 9110 §8.8.1).
        let etag = format!("W/{}", info.etag.trim_start_matches("W/"));
        response = response
            .header(header::ETAG, etag)
            .header(header::VARY, "Accept-Encoding");
    } else {
        response = response.header(header::ETAG, &info.etag);
    }
    response
        .status(status)
        .content_type(content_type)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CACHE_CONTROL, CACHE_FOR_EVER)
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .header(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        )
        .header("cross-origin-resource-policy", "cross-origin")
}

fn outside(size_bytes: u64) -> Problem {
    let problem = Problem::new(
        Code::RangeNotSatisfiable,
        format!("it has {size_bytes} bytes"),
    );
    match HeaderValue::from_str(&format!("bytes */{size_bytes}")) {
        Ok(value) => problem.header(header::CONTENT_RANGE, value),
        Err(_) => problem,
    }
}

fn problem(error: StorageError) -> Problem {
    match error {
        StorageError::NotFound => Problem::not_found("object"),
        other => other.into(),
    }
}
