//! The upload page at `/` and its assets, embedded in the binary.

use std::sync::LazyLock;

use poem::http::{Method, header};
use poem::web::Data;
use poem::{Response, Route, get, handler};

use crate::ApiState;
use crate::openapi;
use crate::pages::asset::Asset;

/// It offers what the contract has.
static INDEX: LazyLock<String> = LazyLock::new(|| {
    let page = include_str!("../../../web/index.html");
    let file = "/v1/files/{file_id}";
    let deletes = openapi::contract()
        .operations
        .find(&Method::DELETE, file)
        .is_some();
    page.replace(
        "data-can-delete=\"false\"",
        &format!("data-can-delete=\"{deletes}\""),
    )
});
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// File name, media type and content.
const ASSETS: [(&str, &str, &str); 18] = [
    ("api.js", SCRIPT, include_str!("../../../web/api.js")),
    ("app.js", SCRIPT, include_str!("../../../web/app.js")),
    ("digest.js", SCRIPT, include_str!("../../../web/digest.js")),
    (
        "elements.js",
        SCRIPT,
        include_str!("../../../web/elements.js"),
    ),
    ("film.js", SCRIPT, include_str!("../../../web/film.js")),
    (
        "hls.js",
        SCRIPT,
        include_str!("../../../web/vendor/hls.min.mjs"),
    ),
    ("kept.js", SCRIPT, include_str!("../../../web/kept.js")),
    ("key.js", SCRIPT, include_str!("../../../web/key.js")),
    ("list.js", SCRIPT, include_str!("../../../web/list.js")),
    (
        "placeholder.js",
        SCRIPT,
        include_str!("../../../web/placeholder.js"),
    ),
    ("sender.js", SCRIPT, include_str!("../../../web/sender.js")),
    ("sound.js", SCRIPT, include_str!("../../../web/sound.js")),
    (
        "thumbhash.js",
        SCRIPT,
        include_str!("../../../web/vendor/thumbhash.mjs"),
    ),
    ("upload.js", SCRIPT, include_str!("../../../web/upload.js")),
    (
        "variants.js",
        SCRIPT,
        include_str!("../../../web/variants.js"),
    ),
    ("view.js", SCRIPT, include_str!("../../../web/view.js")),
    ("words.js", SCRIPT, include_str!("../../../web/words.js")),
    ("app.css", STYLE, include_str!("../../../web/app.css")),
];

/// Adds the page to the routes.
pub fn add_to(route: Route) -> Route {
    ASSETS.into_iter().fold(
        route.at("/", get(index)),
        |route, (name, content_type, body)| {
            let asset = Asset::new(content_type, body);
            let endpoint = poem::endpoint::make_sync(move |request| asset.answer(&request));
            route.at(format!("/assets/{name}"), get(endpoint))
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
        .body(INDEX.as_str())
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
