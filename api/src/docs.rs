//! The API reference at `/docs`, and the documents it is made from. Works without any other server: the viewer (Redoc)
//! is embedded in the binary.

use std::sync::LazyLock;

use poem::http::header;
use poem::{Response, Route, get, handler};

use crate::openapi;

const PAGE: &str = include_str!("../../web/docs.html");
const START: &str = include_str!("../../web/docs.js");

/// Redoc writes its styles into the page and searches in a worker made from a blob.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; worker-src blob:; base-uri 'none'; frame-ancestors 'none'";

static VIEWER: LazyLock<String> = LazyLock::new(openapi::viewer_script);
static DOCUMENT_31: LazyLock<String> = LazyLock::new(|| openapi::to_text(&openapi::document_31()));
static DOCUMENT_30: LazyLock<String> = LazyLock::new(|| openapi::to_text(&openapi::document_30()));

/// Adds the reference and the documents to the routes.
pub fn add_to(route: Route) -> Route {
    route
        .at("/docs", get(page))
        .at("/docs/redoc.js", get(viewer))
        .at("/docs/start.js", get(start))
        .at("/openapi.json", get(document_31))
        .at("/openapi-3.0.json", get(document_30))
}

#[handler]
fn page() -> Response {
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-cache")
        .header(header::CONTENT_SECURITY_POLICY, POLICY)
        .body(PAGE)
}

#[handler]
fn viewer() -> Response {
    text("text/javascript; charset=utf-8", &VIEWER)
}

#[handler]
fn start() -> Response {
    text("text/javascript; charset=utf-8", START)
}

#[handler]
fn document_31() -> Response {
    text("application/json", &DOCUMENT_31)
}

#[handler]
fn document_30() -> Response {
    text("application/json", &DOCUMENT_30)
}

fn text(content_type: &str, body: &'static str) -> Response {
    Response::builder()
        .content_type(content_type)
        .header(header::CACHE_CONTROL, "no-cache")
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .body(body)
}
