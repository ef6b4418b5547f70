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

use crate::contract::Operations;
use crate::http::cors;
use crate::http::host;
use crate::http::problem::{Code, Problem};
use crate::http::streamed;
use crate::http::trace::TraceParent;
use crate::uppy;

/// Name of the header that carries the request's id, in and out.
pub const REQUEST_ID: &str = "x-request-id";

/// What is asked every few seconds for good, and of which nobody wants a line each time.
const PROBES: [&str; 3] = ["/v1/livez", "/v1/readyz", "/v1/health"];

/// Of requests whose handler bounds each of its steps.
const FOR_EVER: Duration = Duration::MAX;

/// Gives each request its id, its span in the log and its count in the metrics.
#[derive(Debug, Clone)]
pub struct Requests {
    /// Other origins whose pages may call.
    pub allowed_origins: Arc<[HeaderValue]>,
    /// What requests are held against.
    pub operations: &'static Operations,
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
        // At ERROR: whatever is logged within it, however little that is, names the request.
        let span = tracing::error_span!(
            "http.request",
            http.request.method = %request.method(),
            url.path = uppy::without_token(request.uri().path()),
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
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let origin = cors::allowed_origin(&request, &self.requests.allowed_origins);
        let mut response = match cors::preflight(&request) {
            Some(preflight) if origin.is_some() => preflight,
            _ => self.answer(request, request_id).await,
        };
        cors::permit(response.headers_mut(), origin);
        finish(response.headers_mut(), request_id);
        let status = response.status().as_u16();
        tracing::Span::current().record("http.response.status_code", status);
        let route = self.requests.operations.template_of(&path);
        let route = route.or(streamed::is(&path).then_some(streamed::PREFIX));
        measure(&method, route, status, started.elapsed());
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if status == 200 && PROBES.contains(&path.as_str()) {
            tracing::debug!(http.server.duration_ms = duration_ms, "probe answered");
        } else {
            tracing::info!(http.server.duration_ms = duration_ms, "request answered");
        }
        response
    }

    async fn answer(&self, request: Request, request_id: &str) -> Response {
        if !host::is_one(&request) {
            let problem = Problem::new(
                Code::BadRequest,
                "send one Host header: a host, perhaps a port",
            );
            return problem.into_response(request_id);
        }
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let error = match self.handled(request, &path).await {
            Ok(response) => return response,
            Err(error) => error,
        };
        let mut response = match error.code() {
            Code::MethodNotAllowed if !error.has_header(&header::ALLOW) => {
                let api = || self.requests.operations.allowed(&path);
                let allow = uppy::allowed(&path).unwrap_or_else(api);
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

impl<E: Endpoint> Handled<E> {
    async fn handled(&self, request: Request, path: &str) -> Result<Response, Problem> {
        if let Some(operation) = self.requests.operations.find(request.method(), path) {
            operation.check(&request)?;
        }
        let handled = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        let deadline = if streamed::is(path) {
            FOR_EVER
        } else {
            self.requests.deadline
        };
        match timeout(deadline, handled).await {
            Ok(Ok(Ok(answer))) => Ok(answer.into_response()),
            Ok(Ok(Err(error))) if error.is_from_response() => Ok(error.into_response()),
            Ok(Ok(Err(error))) => Err(Problem::from(error)),
            // The hook has printed the message and place; here it gets its request id.
            Ok(Err(_panic)) => Err(Problem::internal("the handler panicked")),
            // What it waited for goes with it: statements, and what it sent to the object store.
            Err(late) => Err(Problem::unavailable(late)),
        }
    }
}

/// By the names of OpenTelemetry's conventions. Methods and routes that we do not know are all one: whoever asks must
/// not be able to make labels.
fn measure(method: &Method, route: Option<&str>, status: u16, took: Duration) {
    let method = if [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ]
    .contains(method)
    {
        method.to_string()
    } else {
        "_OTHER".to_owned()
    };
    metrics::histogram!(
        "http_server_request_duration_seconds",
        "http_request_method" => method,
        "http_route" => route.unwrap_or("other").to_owned(),
        "http_response_status_code" => status.to_string(),
    )
    .record(took);
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

    use super::*;
    use crate::openapi;

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
            operations: &openapi::contract().operations,
            deadline: SHORT,
        };
        let app = Route::new()
            .at("/panics", get(panics))
            .at("/never", get(never_answers))
            .at("/slowly", get(answers_slowly))
            .with(requests);
        let request = Request::builder().uri(path.parse().unwrap());
        let request = request.header(header::HOST, "a");
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
