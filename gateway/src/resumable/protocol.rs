//! Which protocol a request speaks, and what it says of the upload. No I/O.
//!
//! tus 1.0 (<https://tus.io/protocols/resumable-upload>) and the IETF's *Resumable Uploads for HTTP*, which is a draft
//! still: its clients name an interop version, and the published form will have none.

use api::http::problem::{Code, Problem};
use poem::Request;
use poem::http::{HeaderName, HeaderValue, Method, StatusCode, header};

use super::digest::Expected;
use super::fields;

/// The version of tus that is spoken.
pub const TUS: &str = "1.0.0";

/// Media types of the bytes in the body of a request, of each protocol.
const TUS_BYTES: &str = "application/offset+octet-stream";
pub const DRAFT_BYTES: &str = "application/partial-upload";

/// Interop versions of the draft: 6 of -04 and -05, 7 of -06 to -08, 8 of -09 to -11, 9 since.
const SPOKEN: std::ops::RangeInclusive<u64> = 6..=9;

/// What a request speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// tus 1.0.
    Tus,
    Draft(Version),
}

/// Which text of the IETF's protocol a client knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The last: it names none.
    Final,
    /// A draft that is spoken here, by its interop version.
    Interop(u64),
    /// Another draft. Its client sends a whole file with one request, as ever, and resumes nothing unless it is told that
    /// it can.
    Other,
}

impl Protocol {
    /// By its header fields. A request that has none of them may speak the IETF's.
    pub fn of(request: &Request) -> Result<Self, Problem> {
        if let Some(version) = request.header("tus-resumable") {
            return tus(version);
        }
        let Some(version) = request.header("upload-draft-interop-version") else {
            return Ok(Self::Draft(Version::Final));
        };
        let spoken = fields::integer(version).filter(|version| SPOKEN.contains(version));
        match spoken {
            Some(version) => Ok(Self::Draft(Version::Interop(version))),
            None if is_of_a_whole_file(request) => Ok(Self::Draft(Version::Other)),
            None => Err(Problem::new(
                Code::UploadProtocolUnsupported,
                "use interop version 6, 7, 8 or 9 of the draft",
            )),
        }
    }
}

fn tus(version: &str) -> Result<Protocol, Problem> {
    if version.trim() == TUS {
        return Ok(Protocol::Tus);
    }
    let problem = Problem::new(Code::UploadProtocolUnsupported, "use tus 1.0.0");
    let name = HeaderName::from_static("tus-version");
    Err(problem
        .with_status(StatusCode::PRECONDITION_FAILED)
        .header(name, HeaderValue::from_static(TUS)))
}

/// Whether the request is a `POST` of all bytes in one. Drafts before -02 said the opposite: `Upload-Incomplete`.
fn is_of_a_whole_file(request: &Request) -> bool {
    let complete = request.header("upload-complete").and_then(fields::boolean);
    let incomplete = request
        .header("upload-incomplete")
        .and_then(fields::boolean);
    request.method() == Method::POST && (complete == Some(true) || incomplete == Some(false))
}

/// What a request says of the upload.
#[derive(Debug)]
pub struct Said {
    /// What it speaks.
    pub protocol: Protocol,
    /// Where its bytes begin.
    pub offset: Option<u64>,
    /// Whether its bytes are the last; only the draft says so.
    pub complete: Option<bool>,
    /// Bytes of the whole file.
    pub length: Option<u64>,
    /// Bytes of the body, unless it is chunked.
    pub content_length: Option<u64>,
    /// What the bytes of the body must have.
    pub digests: Vec<Expected>,
}

impl Said {
    /// Reads the header fields of a request that sends bytes, or could.
    pub fn of(request: &Request, protocol: Protocol) -> Result<Self, Problem> {
        once(request)?;
        let integer = |name: &str| match request
            .header(name)
            .map(|value| (value, fields::integer(value)))
        {
            // A field that cannot be read is ignored in the draft (§4.1); tus does not say so.
            Some((_, None)) if protocol == Protocol::Tus => {
                Err(Problem::parameter(name, "must be a number of bytes"))
            }
            other => Ok(other.and_then(|(_, number)| number)),
        };
        let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
        let content_length = request.header(header::CONTENT_LENGTH);
        let content_length = content_length.and_then(|value| value.trim().parse().ok());
        Ok(Self {
            protocol,
            offset: integer("upload-offset")?,
            complete: match protocol {
                Protocol::Tus => None,
                Protocol::Draft(Version::Other) => Some(true),
                Protocol::Draft(_) => request.header("upload-complete").and_then(fields::boolean),
            },
            length: integer("upload-length")?,
            content_length: if chunked {
                None
            } else {
                Some(content_length.unwrap_or(0))
            },
            digests: digests(request, protocol)?,
        })
    }

    /// Bytes of the whole file by everything that is known, if anything is. `known` was said before; the bytes of this
    /// request begin at `offset`.
    pub fn agreed_length(&self, known: Option<u64>, offset: u64) -> Result<Option<u64>, Problem> {
        let counted = match (self.complete, self.content_length) {
            (Some(true), Some(bytes)) => Some(offset.saturating_add(bytes)),
            _ => None,
        };
        let mut lengths = [known, self.length, counted].into_iter().flatten();
        let Some(first) = lengths.next() else {
            return Ok(None);
        };
        match lengths.find(|length| *length != first) {
            None => Ok(Some(first)),
            Some(other) => Err(inconsistent(format!(
                "it was to be {first} bytes, and by this request it is {other}"
            ))),
        }
    }
}

/// Refuses a request that says something twice: nobody can tell which is meant.
fn once(request: &Request) -> Result<(), Problem> {
    const NAMES: [&str; 10] = [
        "upload-offset",
        "upload-complete",
        "upload-length",
        "upload-defer-length",
        "upload-metadata",
        "upload-checksum",
        "upload-concat",
        "content-digest",
        "repr-digest",
        "content-type",
    ];
    let headers = request.headers();
    let twice = NAMES
        .iter()
        .find(|name| headers.get_all(**name).iter().count() > 1);
    twice.map_or(Ok(()), |name| {
        Err(Problem::parameter(*name, "is there twice"))
    })
}

/// What is said about the length contradicts itself, or the bytes.
pub fn inconsistent(detail: impl Into<String>) -> Problem {
    Problem::new(Code::UploadLengthInconsistent, detail)
}

/// Whether the body has bytes of the upload, by its media type.
pub fn is_of_bytes(request: &Request, protocol: Protocol) -> Result<(), Problem> {
    let expected = match protocol {
        Protocol::Tus => TUS_BYTES,
        Protocol::Draft(_) => DRAFT_BYTES,
    };
    let content_type = request.content_type().unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    let detail = format!("send the bytes with Content-Type: {expected}");
    Err(Problem::new(Code::UnsupportedMediaType, detail))
}

fn digests(request: &Request, protocol: Protocol) -> Result<Vec<Expected>, Problem> {
    match protocol {
        Protocol::Tus => {
            let Some(checksum) = request.header("upload-checksum") else {
                return Ok(Vec::new());
            };
            let expected = fields::tus_checksum(checksum)
                .and_then(|(algorithm, digest)| Expected::new(algorithm, digest));
            let unknown = || {
                Problem::parameter(
                    "upload-checksum",
                    "must be sha1, sha256 or sha512, and base64",
                )
            };
            Ok(vec![expected.ok_or_else(unknown)?])
        }
        Protocol::Draft(_) => {
            let content_digest = request.header("content-digest").unwrap_or_default();
            let digests = fields::byte_sequences(content_digest).into_iter();
            // Algorithms that are not known here are passed over (RFC 9530 §2).
            Ok(digests
                .filter(|(algorithm, _)| algorithm.starts_with("sha-"))
                .filter_map(|(algorithm, digest)| Expected::new(algorithm, digest))
                .collect())
        }
    }
}
