//! Refuses `x-amz-*` headers that the signature does not cover.
//!
//! Such headers change what a request does: `x-amz-copy-source` turns an upload into a read of any
//! object. S3 refuses every one that is not signed (*Signature Version 4: canonical request*); the
//! framework checks those that are listed as signed, and obeys the others.

use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};

const PREFIX: &str = "x-amz-";
/// Says how the body was hashed, which the signature covers in another way.
const TOLERATED: &str = "x-amz-content-sha256";
/// The query parameter and the field of `Authorization` that list what is signed.
const IN_QUERY: &str = "X-Amz-SignedHeaders=";
const IN_HEADER: &str = "SignedHeaders=";

/// S3's refusal, when the request has such headers.
pub(super) fn refusal<B>(request: &Request<B>) -> Option<Response<s3s::Body>> {
    let unsigned = unsigned(request);
    if unsigned.is_empty() {
        return None;
    }
    // Names of headers need no escaping in XML.
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>AccessDenied</Code>\
         <Message>There were headers present in the request which were not signed</Message>\
         <HeadersNotSigned>{}</HeadersNotSigned></Error>",
        unsigned.join(", ")
    );
    let mut response = Response::new(s3s::Body::from(Bytes::from(body)));
    *response.status_mut() = StatusCode::FORBIDDEN;
    let xml = HeaderValue::from_static("application/xml");
    response.headers_mut().insert(CONTENT_TYPE, xml);
    Some(response)
}

fn unsigned<B>(request: &Request<B>) -> Vec<&str> {
    let headers = request.headers().keys().map(HeaderName::as_str);
    let mut unsigned: Vec<_> = headers
        .filter(|name| name.starts_with(PREFIX) && *name != TOLERATED)
        .collect();
    // Where there are several lists, a header must be in each: whichever the framework goes by. One
    // that is spelt so that it is not found here counts as none.
    let lists = lists(request);
    unsigned.retain(|name| lists.is_empty() || !lists.iter().all(|list| contains(list, name)));
    unsigned
}

fn lists<B>(request: &Request<B>) -> Vec<String> {
    let query = request.uri().query().unwrap_or_default().split('&');
    let in_query = query.filter_map(|pair| pair.strip_prefix(IN_QUERY));
    let authorization = request.headers().get_all(AUTHORIZATION).iter();
    let in_header = authorization
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ' ']))
        .filter_map(|field| field.strip_prefix(IN_HEADER));
    in_query
        .map(|list| list.replace("%3B", ";").replace("%3b", ";"))
        .chain(in_header.map(str::to_owned))
        .collect()
}

fn contains(list: &str, name: &str) -> bool {
    list.split(';').any(|signed| signed == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsigned_of(uri: &str, headers: &[(&str, &str)]) -> Vec<String> {
        let request = headers
            .iter()
            .fold(Request::put(uri), |request, (name, value)| {
                request.header(*name, *value)
            });
        let request = request.body(()).unwrap();
        unsigned(&request).into_iter().map(str::to_owned).collect()
    }

    const COPY: (&str, &str) = ("x-amz-copy-source", "/b/k");

    #[test]
    fn a_header_is_signed_when_every_list_has_it() {
        let uri = "/b/k?X-Amz-SignedHeaders=host%3Bx-amz-copy-source";
        assert!(unsigned_of(uri, &[COPY]).is_empty());
        let header =
            "AWS4-HMAC-SHA256 Credential=c, SignedHeaders=host;x-amz-copy-source, Signature=s";
        assert!(unsigned_of("/b/k", &[("authorization", header), COPY]).is_empty());
        let tight = "AWS4-HMAC-SHA256 Credential=c,SignedHeaders=host,Signature=s";
        assert_eq!(
            unsigned_of(uri, &[("authorization", tight), COPY]),
            [COPY.0]
        );
        let twice = format!("{uri}&X-Amz-SignedHeaders=host");
        assert_eq!(unsigned_of(&twice, &[COPY]), [COPY.0]);
    }

    #[test]
    fn without_a_list_nothing_is_signed() {
        for uri in [
            "/b/k",
            "/b/k?X-Amz-SignedHeader%73=host%3Bx-amz-copy-source",
        ] {
            assert_eq!(unsigned_of(uri, &[COPY]), [COPY.0], "{uri}");
        }
        let hash = ("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
        assert!(unsigned_of("/b/k", &[hash, ("content-type", "a/b")]).is_empty());
    }
}
