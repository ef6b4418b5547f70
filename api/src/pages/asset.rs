//! Files that are part of the program, as browsers like them: compressed, and not sent again while unchanged.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use media::Sha256;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Request, Response};

use crate::http::encoding::takes_gzip;

/// A file of the page, compressed once when the process starts.
pub struct Asset {
    content_type: &'static str,
    plain: Bytes,
    gzip: Bytes,
    /// Weak, as it stands for both encodings (RFC 9110 §8.8.1).
    etag: HeaderValue,
}

impl Asset {
    /// Compresses the text once.
    pub fn new(content_type: &'static str, text: impl Into<Bytes>) -> Self {
        let plain = text.into();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        // Writing to a Vec cannot fail; an empty answer would be seen by the tests.
        let _ = encoder.write_all(&plain);
        let digest = Sha256::of(&plain).to_hex();
        let etag = HeaderValue::from_str(&format!("W/\"{}\"", &digest[..32]));
        Self {
            content_type,
            gzip: encoder.finish().unwrap_or_default().into(),
            plain,
            etag: etag.expect("hexadecimal digits"),
        }
    }

    /// The answer to a request for it.
    pub fn answer(&self, request: &Request) -> Response {
        let response = Response::builder()
            .header(header::ETAG, self.etag.clone())
            .header(header::CACHE_CONTROL, "no-cache")
            .header(header::VARY, "Accept-Encoding")
            .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        if self.is_known(request) {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        let response = response.content_type(self.content_type);
        if takes_gzip(request) {
            response
                .header(header::CONTENT_ENCODING, "gzip")
                .body(self.gzip.clone())
        } else {
            response.body(self.plain.clone())
        }
    }

    fn is_known(&self, request: &Request) -> bool {
        let opaque = |etag: &str| etag.trim().trim_start_matches("W/").to_owned();
        let ours = self.etag.to_str().map(opaque).unwrap_or_default();
        request
            .header(header::IF_NONE_MATCH)
            .is_some_and(|known| known.split(',').any(|etag| opaque(etag) == ours))
    }
}
