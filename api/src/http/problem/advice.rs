//! What each code means and what to do about it, for the page of errors.

use super::Code;

impl Code {
    /// Where it is explained, by this service itself.
    pub fn doc_path(self) -> String {
        format!("/docs/errors#{}", self.as_str())
    }

    /// Its problem type (RFC 9457 §3.1.1): a registered one where there is one, else where it is explained.
    pub fn type_url(self) -> String {
        let registered = match self {
            Self::UploadOffsetMismatch => "mismatching-upload-offset",
            Self::UploadLengthInconsistent => "inconsistent-upload-length",
            _ => return self.doc_path(),
        };
        format!("https://iana.org/assignments/http-problem-types#{registered}")
    }

    /// What happened, and what a client does about it.
    #[expect(clippy::too_many_lines, reason = "a table: an entry for each code")]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::MalformedJson => {
                "The body is not one JSON value in UTF-8, or an object in it has a key twice. Mend the body; `detail` \
                 says where it stops making sense."
            }
            Self::InvalidParameter => {
                "A parameter in the query, in a header or in the path is unknown, is there twice, or has a value that \
                 it cannot have. `errors` names each."
            }
            Self::BadRequest => {
                "The request is not valid HTTP, or ended early. Send it again as the reference describes it."
            }
            Self::Unauthenticated => {
                "Send a valid key, as `Authorization: Bearer mm_…` or as `X-API-Key`. A revoked key stays revoked."
            }
            Self::ScopeMissing => {
                "The key is valid and lacks the scope that `detail` names. Use a key that has it."
            }
            Self::QuotaExceeded => {
                "You have as much as you may, or as an upload token allows: `quota` says of what, how much that is, and how \
                 much was asked for. Delete files, abort uploads, or ask for more room; to try again as it is does not help."
            }
            Self::NotFound => {
                "There is nothing at this path, or the thing was deleted, or it is another owner's. These are not \
                 told apart."
            }
            Self::MethodNotAllowed => "Use a method that the `Allow` header lists.",
            Self::UploadCompleted => {
                "The upload is over because it was completed. Go on with its file, which `file_id` names."
            }
            Self::UploadAborted => {
                "The upload is over because it was given up. Start a new one, with a new `Idempotency-Key`."
            }
            Self::PartsMissing => {
                "Not every byte has arrived. Send the parts that `part_numbers` lists, then complete again."
            }
            Self::SizeMismatch => {
                "What has arrived has another size than declared. Send the parts that `part_numbers` lists again, or \
                 start anew with the right size."
            }
            Self::EtagMismatch => {
                "The store holds other bytes than those you say you sent. Send the parts that `part_numbers` lists \
                 again, and complete with the `ETag`s of these answers."
            }
            Self::UploadOffsetMismatch => {
                "The bytes sent begin elsewhere than where the upload stands. Send those from `expected-offset` on."
            }
            Self::UploadDisplaced => {
                "A later request to the same upload came, and this one was ended. Ask for the offset, and go on from there \
                 with one request at a time."
            }
            Self::UploadLengthInconsistent => {
                "`Upload-Length`, `Content-Length` and what was said before do not fit together, or more bytes came than \
                 were announced: then the upload is over. Start a new one."
            }
            Self::UploadProtocolUnsupported => {
                "Resumable uploads speak tus 1.0.0 and the IETF's draft in its interop versions 6 to 9, or without a \
                 version. Use one of these."
            }
            Self::ChecksumMismatch => {
                "The bytes of this request changed on their way, or its digest is of others. None of them was kept: send \
                 them again."
            }
            Self::Conflict => {
                "The run, dead letter, re-drive or queue is in another state than the request needs. Somebody may have been \
                 faster: get it again."
            }
            Self::UploadExpired => {
                "The upload was not completed in time. Start a new one, with a new `Idempotency-Key`."
            }
            Self::FileDeleted => {
                "The `Idempotency-Key` opened an upload before, whose file was deleted since. Start a new one, with a new \
                 `Idempotency-Key`."
            }
            Self::BodyTooLarge => "No request needs a body this large. Send less.",
            Self::FileTooLarge => {
                "The file has more bytes than are taken: see `limit` and `measured`."
            }
            Self::UnsupportedMediaType => {
                "Send the body as JSON in UTF-8, with `Content-Type: application/json` and without `Content-Encoding`."
            }
            Self::RangeNotSatisfiable => "Ask for a range within the object.",
            Self::InvalidField => {
                "A field is missing, unknown, of another type or outside its bounds. `errors` names each by its JSON \
                 pointer."
            }
            Self::FileEmpty => "The file has no bytes. There is nothing to process.",
            Self::UnsupportedType => {
                "Files of the type that was declared are not taken here: `limit` lists those that are."
            }
            Self::IdempotencyKeyReused => {
                "The `Idempotency-Key` came with another request before. Use a new one for each new upload."
            }
            Self::TooManyOpenUploads => {
                "You have as many uploads open as may be. Complete or abort some, and try again after `Retry-After` \
                 seconds; what is not completed in time makes room by itself."
            }
            Self::TooManyRequests => {
                "The keys of one owner, or somebody at your address with wrong keys, asked more often than may be. Ask \
                 again after `Retry-After` seconds."
            }
            Self::UriTooLong => {
                "The address of the request is too long. Send what is long in the body."
            }
            Self::HeadersTooLarge => {
                "The request has too many headers, or too long ones. Send fewer: cookies are not needed."
            }
            Self::Internal => "A fault of ours. Please report it with the `request_id`.",
            Self::Unavailable => {
                "The database or the object store does not answer. Send the same request again after `Retry-After` \
                 seconds; with an `Idempotency-Key` nothing is made twice."
            }
        }
    }
}
