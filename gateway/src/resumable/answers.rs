//! What is answered, in the words of each protocol. No I/O.

use std::fmt::Write as _;

use api::http::problem::Problem;
use api::v1::uploads::complete::CompletedUpload;
use chrono::{DateTime, Utc};
use media::UploadId;
use media::uploads::Upload;
use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{Response, ResponseBuilder};

use super::digest::TUS_ALGORITHMS;
use super::protocol::{DRAFT_BYTES, Protocol, TUS, Version};

const EXTENSIONS: &str = "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination,\
                          concatenation";
const METHODS: &str = "OPTIONS, HEAD, GET, POST, PATCH, DELETE";

/// What may not be exceeded.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a file.
    pub max_size: u64,
    /// Bytes of the body of one request, if a proxy in front takes no more.
    pub max_append_size: Option<u64>,
}

/// How an upload stands.
#[derive(Debug)]
pub struct Standing<'a> {
    pub upload: &'a Upload,
    /// Bytes that are confirmed.
    pub offset: u64,
    /// Bytes of the whole file, once the client has said so.
    pub length: Option<u64>,
    /// Whether it is complete.
    pub complete: bool,
    /// What time it is.
    pub now: DateTime<Utc>,
}

/// Path of an upload.
pub fn location(upload_id: UploadId) -> String {
    format!("/v1/resumable/{upload_id}")
}

/// The value of `Upload-Limit`; `max_age` in seconds, of an upload that there is.
pub fn upload_limit(protocol: Protocol, limits: Limits, max_age: Option<i64>) -> String {
    // Writing to a String cannot fail.
    let mut limit = format!("max-size={}, min-size=1", limits.max_size);
    if let Some(bytes) = limits.max_append_size {
        let _ = write!(limit, ", max-append-size={bytes}");
    }
    if let Some(seconds) = max_age {
        let _ = write!(limit, ", max-age={seconds}");
        // What it was called before.
        if protocol == Protocol::Draft(Version::Interop(6)) {
            let _ = write!(limit, ", expires={seconds}");
        }
    }
    limit
}

/// Seconds until an upload expires.
pub fn max_age(upload: &Upload, now: DateTime<Utc>) -> i64 {
    (upload.expires_at - now).num_seconds().max(0)
}

/// What every answer of a protocol has.
fn begin(protocol: Protocol, status: StatusCode) -> ResponseBuilder {
    let answer = Response::builder().status(status);
    match protocol {
        Protocol::Tus => answer.header("tus-resumable", TUS),
        Protocol::Draft(Version::Final | Version::Other) => answer,
        Protocol::Draft(Version::Interop(version)) => {
            answer.header("upload-draft-interop-version", version.to_string())
        }
    }
}

/// An answer that tells how the upload stands.
pub fn standing(
    protocol: Protocol,
    limits: Limits,
    status: StatusCode,
    standing: &Standing<'_>,
) -> ResponseBuilder {
    let Standing {
        upload,
        offset,
        length,
        complete,
        now,
    } = standing;
    let mut answer = begin(protocol, status)
        .header("upload-offset", offset.to_string())
        .header("x-file-id", upload.file_id.to_string())
        .header(header::CACHE_CONTROL, "no-store");
    if let Some(length) = length {
        answer = answer.header("upload-length", length.to_string());
    }
    match protocol {
        Protocol::Tus if *complete => answer,
        Protocol::Tus => {
            let expires = upload.expires_at.format("%a, %d %b %Y %H:%M:%S GMT");
            answer.header("upload-expires", expires.to_string())
        }
        Protocol::Draft(_) => {
            let age = max_age(upload, *now);
            answer
                .header("upload-complete", if *complete { "?1" } else { "?0" })
                .header("upload-limit", upload_limit(protocol, limits, Some(age)))
        }
    }
}

/// The last answer, which is given again to who asks again.
pub fn completed(answer: ResponseBuilder, file: &CompletedUpload) -> Response {
    answer
        .content_type("application/json")
        .header(
            header::CONTENT_LOCATION,
            format!("/v1/files/{}", file.file_id),
        )
        .body(file.to_text())
}

/// It is done, and there is nothing more to say.
pub fn done(protocol: Protocol) -> Response {
    begin(protocol, StatusCode::NO_CONTENT).finish()
}

/// What this place can do.
pub fn options(limits: Limits) -> Response {
    begin(Protocol::Tus, StatusCode::NO_CONTENT)
        .header(header::ALLOW, METHODS)
        .header("tus-version", TUS)
        .header("tus-extension", EXTENSIONS)
        .header("tus-max-size", limits.max_size.to_string())
        .header("tus-checksum-algorithm", TUS_ALGORITHMS)
        .header("accept-patch", DRAFT_BYTES)
        .header(
            "upload-limit",
            upload_limit(Protocol::Draft(Version::Final), limits, None),
        )
        .finish()
}

/// A problem in a protocol's answer.
pub fn refused(protocol: Protocol, limits: Limits, problem: Problem) -> Problem {
    let text = |text: String| HeaderValue::from_str(&text).ok();
    match protocol {
        Protocol::Tus => problem.header(
            HeaderName::from_static("tus-resumable"),
            HeaderValue::from_static(TUS),
        ),
        Protocol::Draft(_) => {
            let limit = text(upload_limit(protocol, limits, None));
            let problem = problem.header(
                HeaderName::from_static("upload-complete"),
                HeaderValue::from_static("?0"),
            );
            match limit {
                Some(limit) => problem.header(HeaderName::from_static("upload-limit"), limit),
                None => problem,
            }
        }
    }
}

/// This place has no such method.
pub fn allow(problem: Problem) -> Problem {
    problem.header(header::ALLOW, HeaderValue::from_static(METHODS))
}
