//! What hyper says to a request that it cannot parse, said as a problem. No I/O.

use poem::Response;
use poem::http::StatusCode;
use uuid::Uuid;

use crate::http::problem::{Code, Problem};
use crate::http::request::{REQUEST_ID, finish};

/// The whole answer to write instead, if these bytes are such an answer of hyper's: an error without
/// the request id that all of ours have.
pub fn in_place_of(bytes: &[u8]) -> Option<Vec<u8>> {
    let status = bytes.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    let code = match status {
        b"400" => Code::BadRequest,
        b"414" => Code::UriTooLong,
        b"431" => Code::HeadersTooLarge,
        _ => return None,
    };
    let ours = bytes
        .windows(REQUEST_ID.len())
        .any(|name| name.eq_ignore_ascii_case(REQUEST_ID.as_bytes()));
    if ours {
        return None;
    }
    let request_id = Uuid::now_v7().to_string();
    let detail = match code {
        Code::UriTooLong => "no address here is this long",
        Code::HeadersTooLarge => "send fewer or shorter headers",
        _ => "this is not HTTP/1.1",
    };
    let mut problem = Problem::new(code, detail).into_response(&request_id);
    finish(problem.headers_mut(), &request_id);
    tracing::debug!(
        http.request.id = request_id,
        error.code = code.as_str(),
        "unreadable request"
    );
    Some(written(problem, code.status()))
}

/// As it goes over the wire; the connection ends with it.
fn written(mut problem: Response, status: StatusCode) -> Vec<u8> {
    let body = problem.take_body();
    let body = futures::executor::block_on(body.into_vec()).unwrap_or_default();
    let mut answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\n").into_bytes();
    for (name, value) in problem.headers() {
        answer.extend_from_slice(name.as_str().as_bytes());
        answer.extend_from_slice(b": ");
        answer.extend_from_slice(value.as_bytes());
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    answer.extend_from_slice(&body);
    answer
}
