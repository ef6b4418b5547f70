//! Which encodings of a body a client takes.

use poem::Request;
use poem::http::header;

/// Whether gzip is offered: by name and without `q=0` (RFC 9110 §12.5.3).
pub fn takes_gzip(request: &Request) -> bool {
    let offered = request.header(header::ACCEPT_ENCODING).unwrap_or_default();
    offered.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let gzip = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        gzip && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}
