//! The API reference at `/docs`, the page of errors, and the documents they are made from. Works without any other
//! server: the viewer (Redoc) is embedded in the binary.

use std::sync::LazyLock;

use poem::http::{HeaderValue, header};
use poem::{Request, Response, Route, get};

use super::errors;
use crate::openapi;
use crate::pages::asset::Asset;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Redoc writes its styles into the page and searches in a worker made from a blob.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; worker-src blob:; base-uri 'none'; frame-ancestors 'none'",
);

static PAGE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new(HTML, include_str!("../../../web/docs.html")));
static START: LazyLock<Asset> =
    LazyLock::new(|| Asset::new(SCRIPT, include_str!("../../../web/docs.js")));
static ERRORS: LazyLock<Asset> = LazyLock::new(|| Asset::new(HTML, errors::html()));
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("image/svg+xml", include_str!("../../../web/icon.svg")));
static VIEWER: LazyLock<Asset> = LazyLock::new(|| Asset::new(SCRIPT, openapi::viewer_script()));
static DOCUMENT_31: LazyLock<Asset> = LazyLock::new(|| document(&openapi::document_31()));
static DOCUMENT_30: LazyLock<Asset> = LazyLock::new(|| document(&openapi::document_30()));

/// Adds the reference and the documents to the routes.
pub fn add_to(route: Route) -> Route {
    let files: [(&str, &'static LazyLock<Asset>); 7] = [
        ("/docs", &PAGE),
        ("/docs/redoc.js", &VIEWER),
        ("/docs/start.js", &START),
        ("/docs/errors", &ERRORS),
        ("/openapi.json", &DOCUMENT_31),
        ("/openapi-3.0.json", &DOCUMENT_30),
        // Browsers ask for it on their own; what it is, is said by its media type.
        ("/favicon.ico", &ICON),
    ];
    files.into_iter().fold(route, |route, (path, asset)| {
        let endpoint = poem::endpoint::make_sync(move |request| answer(asset, &request));
        route.at(path, get(endpoint))
    })
}

fn answer(asset: &Asset, request: &Request) -> Response {
    let mut response = asset.answer(request);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}

fn document(document: &serde_json::Value) -> Asset {
    Asset::new("application/json", openapi::to_text(document))
}
