//! Cross-origin requests: pages of configured origins may call the API, others may not.
//!
//! A request from another origin is answered as any other, without the headers that would let its page read the
//! answer. (The framework's own middleware answers such requests with an error of its own in plain text.)

use poem::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use poem::{Request, Response};

const ALLOW_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE");
const ALLOW_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, x-api-key, idempotency-key, content-type, content-disposition, traceparent, x-request-id, \
     x-http-method-override, tus-resumable, upload-length, upload-offset, upload-metadata, upload-defer-length, \
     upload-checksum, upload-concat, upload-complete, upload-draft-interop-version, content-digest, repr-digest",
);
const EXPOSE_HEADERS: HeaderValue = HeaderValue::from_static(
    "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, X-File-Id, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, \
     Tus-Checksum-Algorithm, Upload-Length, Upload-Offset, Upload-Metadata, Upload-Defer-Length, Upload-Expires, \
     Upload-Complete, Upload-Concat, Upload-Limit",
);
const MAX_AGE_SECONDS: HeaderValue = HeaderValue::from_static("7200");

/// The `Origin` of a request, if it is one of those allowed.
pub fn allowed_origin(request: &Request, allowed: &[HeaderValue]) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    allowed.contains(origin).then(|| origin.clone())
}

/// The answer to a preflight from an allowed origin (Fetch standard, CORS-preflight fetch).
pub fn preflight(request: &Request) -> Option<Response> {
    let asks = request
        .headers()
        .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    (request.method() == Method::OPTIONS && asks).then(|| {
        Response::builder()
            .status(StatusCode::NO_CONTENT)
            .header(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOW_METHODS)
            .header(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOW_HEADERS)
            .header(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS)
            .finish()
    })
}

/// Lets the page read the answer. Answers that set their own policy keep it.
pub fn permit(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    if headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        // The same for everybody, and `Vary` would have caches keep it once for each origin.
        return;
    }
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSE_HEADERS);
    }
}
