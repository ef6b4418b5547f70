//! The `Host` of a request (RFC 9112 §3.2): without one, or with two, others on the way may have gone by another. No I/O.

use poem::Request;
use poem::http::uri::Authority;
use poem::http::{Version, header};

/// Whether the request names one host. Of HTTP/1.0, which does not ask for it, it may name none.
pub fn is_one(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version() < Version::HTTP_11,
        (Some(host), None) => host.to_str().is_ok_and(is_host),
        (Some(_), Some(_)) => false,
    }
}

/// A host and perhaps a port (RFC 3986 §3.2), without a user.
fn is_host(text: &str) -> bool {
    let Ok(authority) = text.parse::<Authority>() else {
        return false;
    };
    let port = text.strip_prefix(authority.host()).unwrap_or("@");
    let port = port.strip_prefix(':').unwrap_or(port);
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    !authority.host().is_empty() && digits && (port.is_empty() || port.parse::<u16>().is_ok())
}
