//! What is written down about objects and uploads, as JSON.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// An object: what it is, and the files that hold its bytes, in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::s3) struct ObjectRecord {
    pub(in crate::s3) key: String,
    /// Folder of the data files; new with every write.
    pub(in crate::s3) version: String,
    pub(in crate::s3) size_bytes: u64,
    /// Without quotes.
    pub(in crate::s3) etag: String,
    /// Milliseconds since 1970.
    pub(in crate::s3) modified_ms: u64,
    pub(in crate::s3) headers: Headers,
    #[serde(default)]
    pub(in crate::s3) checksums: Checksums,
    pub(in crate::s3) segments: Vec<Segment>,
}

/// One data file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::s3) struct Segment {
    pub(in crate::s3) file: String,
    pub(in crate::s3) size_bytes: u64,
}

/// What the writer said about the object, given back on reading.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::s3) struct Headers {
    pub(in crate::s3) content_type: Option<String>,
    pub(in crate::s3) cache_control: Option<String>,
    pub(in crate::s3) content_disposition: Option<String>,
    pub(in crate::s3) content_encoding: Option<String>,
    pub(in crate::s3) content_language: Option<String>,
    /// `x-amz-meta-*`.
    #[serde(default)]
    pub(in crate::s3) metadata: BTreeMap<String, String>,
}

/// Checksums that the writer asked for, in base64. Those of a multipart object end in `-<number of parts>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::s3) struct Checksums {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(in crate::s3) crc32: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(in crate::s3) crc32c: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(in crate::s3) crc64nvme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(in crate::s3) sha1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(in crate::s3) sha256: Option<String>,
}

impl Checksums {
    /// Whether every checksum that both name is the same, and `other` has all that this one has.
    pub(in crate::s3) fn agree_with(&self, other: &Self) -> bool {
        let agree = |a: &Option<String>, b: &Option<String>| a.is_none() || a == b;
        agree(&self.crc32, &other.crc32)
            && agree(&self.crc32c, &other.crc32c)
            && agree(&self.crc64nvme, &other.crc64nvme)
            && agree(&self.sha1, &other.sha1)
            && agree(&self.sha256, &other.sha256)
    }
}

/// An open multipart upload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::s3) struct UploadRecord {
    pub(in crate::s3) id: String,
    pub(in crate::s3) key: String,
    pub(in crate::s3) initiated_ms: u64,
    pub(in crate::s3) headers: Headers,
    /// As the client named it at creation.
    pub(in crate::s3) checksum_algorithm: Option<String>,
}

/// A part of an open upload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::s3) struct PartRecord {
    pub(in crate::s3) number: u16,
    pub(in crate::s3) file: String,
    pub(in crate::s3) size_bytes: u64,
    /// MD5 of the part in hex.
    pub(in crate::s3) etag: String,
    pub(in crate::s3) modified_ms: u64,
    #[serde(default)]
    pub(in crate::s3) checksums: Checksums,
}

/// Now, in milliseconds since 1970.
pub(in crate::s3) fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
