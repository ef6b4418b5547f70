//! Bounds on browser forms. The framework reads a form into memory before it looks at the signature,
//! so a stranger may hold no more than this, and for no longer.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest form in bytes, with its file. Larger files go by signed `PUT`.
pub(super) const MAX_BYTES: u64 = 101 << 20;
/// Forms of more bytes than this are taken a few at a time; others wait.
const SMALL: u64 = 1 << 20;
const LARGE_AT_A_TIME: usize = 2;
/// How long a form may take to arrive and to be answered.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Whether it is a form with a file (*Authenticating requests: POST*).
pub(super) fn is_form<B>(request: &Request<B>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    request.method() == Method::POST
        && kind
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("multipart/form-data")
}

/// The places for large forms. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Places(Arc<Semaphore>);

impl Places {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(LARGE_AT_A_TIME)))
    }

    /// Waits for a place, which a form keeps until it is answered; small ones need none.
    pub(super) async fn take<B>(&self, request: &Request<B>) -> Option<OwnedSemaphorePermit> {
        if length(request).is_some_and(|length| length <= SMALL) {
            return None;
        }
        Arc::clone(&self.0).acquire_owned().await.ok()
    }
}

/// S3's refusal of a form that says that it is too large, or does not say how large it is.
pub(super) fn refusal<B>(request: &Request<B>) -> Option<Response<s3s::Body>> {
    match length(request) {
        Some(length) if length <= MAX_BYTES => None,
        Some(_) => Some(answer(StatusCode::BAD_REQUEST, "EntityTooLarge")),
        None => Some(answer(StatusCode::LENGTH_REQUIRED, "MissingContentLength")),
    }
}

fn length<B>(request: &Request<B>) -> Option<u64> {
    let length = request.headers().get(CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// The answer to one that takes too long.
pub(super) fn too_slow() -> Response<s3s::Body> {
    answer(StatusCode::BAD_REQUEST, "RequestTimeout")
}

fn answer(status: StatusCode, code: &str) -> Response<s3s::Body> {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code>\
         <Message>A form has at most {MAX_BYTES} bytes, says how many, and arrives within {} seconds</Message></Error>",
        PATIENCE.as_secs(),
    );
    let mut response = Response::new(s3s::Body::from(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    // What is left of the form is not read.
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
