//! The upload page at `/` and its assets, embedded in the binary.

use poem::http::header;
use poem::web::Data;
use poem::{Response, Route, get, handler};

use crate::ApiState;

const INDEX: &str = include_str!("../../web/index.html");
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// File name, media type and content.
const ASSETS: [(&str, &str, &str); 6] = [
    ("api.js", SCRIPT, include_str!("../../web/api.js")),
    ("app.js", SCRIPT, include_str!("../../web/app.js")),
    ("list.js", SCRIPT, include_str!("../../web/list.js")),
    ("upload.js", SCRIPT, include_str!("../../web/upload.js")),
    ("view.js", SCRIPT, include_str!("../../web/view.js")),
    ("app.css", STYLE, include_str!("../../web/app.css")),
];

/// Adds the page to the routes.
pub fn add_to(route: Route) -> Route {
    ASSETS.into_iter().fold(
        route.at("/", get(index)),
        |route, (name, content_type, body)| {
            let asset = poem::endpoint::make_sync(move |_| {
                Response::builder()
                    .content_type(content_type)
                    .header(header::CACHE_CONTROL, "no-cache")
                    .body(body)
            });
            route.at(format!("/assets/{name}"), get(asset))
        },
    )
}

#[handler]
fn index(Data(state): Data<&ApiState>) -> Response {
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-cache")
        .header(header::CONTENT_SECURITY_POLICY, policy(state))
        .header(header::REFERRER_POLICY, "no-referrer")
        .header("cross-origin-opener-policy", "same-origin")
        .body(INDEX)
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
