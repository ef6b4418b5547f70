//! What happens to every request, in one place and one order: an id, a span, the handler, errors and panics turned
//! into problems, cross-origin headers, one line in the log.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use poem::http::{HeaderMap, HeaderValue, Method, header};
use poem::{Endpoint, IntoResponse as _, Middleware, Request, Response};
use tokio::time::timeout;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::allow::AllowedMethods;
use crate::cors;
use crate::problem::{Code, Problem};
use crate::trace::TraceParent;

/// Name of the header that carries the request's id, in and out.
pub const REQUEST_ID: &str = "x-request-id";

/// The middleware.
#[derive(Debug, Clone)]
pub struct Requests {
    /// Other origins whose pages may call.
    pub allowed_origins: Arc<[HeaderValue]>,
    /// For the `Allow` header of a 405.
    pub allowed_methods: Arc<AllowedMethods>,
    /// How long the making of an answer may take. The sending of one that is made may take longer.
    pub deadline: Duration,
}

impl<E: Endpoint> Middleware<E> for Requests {
    type Output = Handled<E>;

    fn transform(&self, inner: E) -> Self::Output {
        Handled {
            inner,
            requests: self.clone(),
        }
    }
}

/// An endpoint that always answers, and with nothing but responses.
#[derive(Debug)]
pub struct Handled<E> {
    inner: E,
    requests: Requests,
}

impl<E: Endpoint> Endpoint for Handled<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let request_id = request_id(&request);
        let trace = TraceParent::of(&request);
        let span = tracing::info_span!(
            "http.request",
            http.request.method = %request.method(),
            url.path = request.uri().path(),
            http.response.status_code = tracing::field::Empty,
            http.request.id = request_id,
            trace.id = trace.trace_id(),
            media.owner_id = tracing::field::Empty,
            media.api_key_id = tracing::field::Empty,
        );
        request.set_data(trace);
        Ok(self.handle(request, &request_id).instrument(span).await)
    }
}

impl<E: Endpoint> Handled<E> {
    async fn handle(&self, request: Request, request_id: &str) -> Response {
        let started = Instant::now();
        let origin = cors::allowed_origin(&request, &self.requests.allowed_origins);
        let mut response = match cors::preflight(&request) {
            Some(preflight) if origin.is_some() => preflight,
            _ => self.answer(request, request_id).await,
        };
        cors::permit(response.headers_mut(), origin);
        finish(response.headers_mut(), request_id);
        let status = response.status().as_u16();
        tracing::Span::current().record("http.response.status_code", status);
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(http.server.duration_ms = duration_ms, "request answered");
        response
    }

    async fn answer(&self, request: Request, request_id: &str) -> Response {
        if request.headers().get_all(header::HOST).iter().count() > 1 {
            // Others on the way may have gone by the other one (RFC 9112 §3.2).
            let problem = Problem::new(Code::BadRequest, "send one Host header");
            return problem.into_response(request_id);
        }
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let handled = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        let error = match timeout(self.requests.deadline, handled).await {
            Ok(Ok(Ok(answer))) => return answer.into_response(),
            Ok(Ok(Err(error))) if error.is_from_response() => return error.into_response(),
            Ok(Ok(Err(error))) => Problem::from(error),
            // The hook has printed the message and place; here it gets its request id.
            Ok(Err(_panic)) => Problem::internal("the handler panicked"),
            // What it waited for goes with it: statements, and what it sent to the object store.
            Err(late) => Problem::unavailable(late),
        };
        let mut response = match error.code() {
            Code::MethodNotAllowed => {
                let allow = self.requests.allowed_methods.of(&path);
                error.header(header::ALLOW, allow).into_response(request_id)
            }
            _ => error.into_response(request_id),
        };
        if method == Method::HEAD {
            response.set_body(());
        }
        response
    }
}

/// The id a proxy in front gave the request, if it is harmless, or a new one.
fn request_id(request: &Request) -> String {
    let harmless = |id: &&str| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let given = request.header(REQUEST_ID).filter(harmless);
    given.map_or_else(|| Uuid::now_v7().to_string(), ToOwned::to_owned)
}

/// Headers of every answer. What a handler set stays.
pub fn finish(headers: &mut HeaderMap, request_id: &str) {
    if let Ok(request_id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, request_id);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'",
        ));
}

#[cfg(test)]
mod tests {
    use std::io;

    use bytes::Bytes;
    use futures::{StreamExt as _, stream};
    use poem::{Body, EndpointExt as _, Route, get, handler};
    use serde_json::json;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    #[handler]
    fn panics() {
        panic!("as some code will one day");
    }

    #[handler]
    async fn never_answers() {
        std::future::pending::<()>().await;
    }

    #[handler]
    fn answers_slowly() -> Body {
        let chunks = stream::iter([b"one", b"two"]).then(async |chunk| {
            tokio::time::sleep(SHORT * 2).await;
            Ok::<_, io::Error>(Bytes::from_static(chunk))
        });
        Body::from_bytes_stream(chunks)
    }

    async fn call(path: &str) -> (Response, String) {
        let requests = Requests {
            allowed_origins: Arc::default(),
            allowed_methods: Arc::new(AllowedMethods::of_document(&json!({}))),
            deadline: SHORT,
        };
        let app = Route::new()
            .at("/panics", get(panics))
            .at("/never", get(never_answers))
            .at("/slowly", get(answers_slowly))
            .with(requests);
        let request = Request::builder().uri(path.parse().unwrap());
        let request = request.header(REQUEST_ID, "given-by-a-proxy").finish();
        let mut response = app.call(request).await.unwrap();
        let body = response.take_body().into_string().await.unwrap();
        (response, body)
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_with_an_id() {
        let (response, body) = call("/panics").await;
        assert_eq!(response.status().as_u16(), 500);
        assert_eq!(response.headers()[REQUEST_ID], "given-by-a-proxy");
        assert!(
            body.contains("\"internal\"") && body.contains("given-by-a-proxy"),
            "{body}"
        );
        assert!(!body.contains("one day"), "{body}");
    }

    #[tokio::test]
    async fn what_takes_too_long_is_a_problem_too() {
        let (response, body) = call("/never").await;
        assert_eq!(response.status().as_u16(), 503);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        assert!(body.contains("\"unavailable\""), "{body}");
    }

    #[tokio::test]
    async fn an_answer_that_has_begun_is_not_cut() {
        let (response, body) = call("/slowly").await;
        assert_eq!((response.status().as_u16(), &*body), (200, "onetwo"));
    }
}
