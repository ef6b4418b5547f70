//! The upload page at `/` and its two assets, embedded in the binary.

use poem::http::header;
use poem::web::Data;
use poem::{Response, Route, get, handler};

use crate::ApiState;

const INDEX: &str = include_str!("../../web/index.html");
const SCRIPT: &str = include_str!("../../web/app.js");
const STYLE: &str = include_str!("../../web/app.css");

/// Adds the page to the routes.
pub fn add_to(route: Route) -> Route {
    route
        .at("/", get(index))
        .at("/assets/app.js", get(script))
        .at("/assets/app.css", get(style))
}

#[handler]
fn index(state: Data<&ApiState>) -> Response {
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-cache")
        .header(header::CONTENT_SECURITY_POLICY, policy(&state))
        .header(header::REFERRER_POLICY, "no-referrer")
        .header("cross-origin-opener-policy", "same-origin")
        .body(INDEX)
}

#[handler]
fn script() -> Response {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

#[handler]
fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

fn asset(content_type: &str, body: &'static str) -> Response {
    Response::builder()
        .content_type(content_type)
        .header(header::CACHE_CONTROL, "no-cache")
        .body(body)
}

/// The page may load itself, call this API, send bytes to the store and show what the CDN serves. Nothing else.
fn policy(state: &ApiState) -> String {
    let cdn = origin(&state.config.cdn_base_url);
    let storage = &state.config.storage_origins;
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data: {cdn}; \
         media-src 'self' blob: {cdn}; connect-src 'self' {storage} {cdn}; form-action 'none'; \
         base-uri 'none'; frame-ancestors 'none'"
    )
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}
