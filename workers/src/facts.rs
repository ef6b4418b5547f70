//! What the steps hand on: ids, and what is not on record in the tables. These shapes are stored with runs in flight:
//! fields may be added with a default, and a change that old runs could not read raises the workflow's version.

use media::{FileId, Placeholder, Sha256, UploadId, recipes::RecipeHash};
use serde::{Deserialize, Serialize};

use crate::kinds::{Probe, Stored, Unit};

/// The bytes are frozen: no client URL reaches them any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assembled {
    pub file_id: FileId,
    /// Its upload session.
    pub upload_id: UploadId,
    /// `ETag` of exactly these bytes.
    pub etag: String,
}

/// The bytes were looked at from end to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanned {
    pub file_id: FileId,
    /// Its upload session.
    pub upload_id: UploadId,
    /// `ETag` of exactly these bytes.
    pub etag: String,
    /// SHA-256 of all of them.
    pub sha256: Sha256,
}

/// The file is what it says, and within the limits. Its type, length and digest are on record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probed {
    pub file_id: FileId,
    /// Its upload session.
    pub upload_id: UploadId,
    /// `ETag` of exactly these bytes.
    pub etag: String,
    /// What was found in them.
    pub probe: Probe,
}

/// One task of the fan-out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderTask {
    /// Content to read, in the origin bucket.
    pub sha256: Sha256,
    /// The recipe as it was planned.
    pub recipe: RecipeHash,
    /// What to make.
    pub unit: Unit,
}

/// What is carried past the fan-out. The original is in the origin bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promoted {
    pub file_id: FileId,
    /// What was found in it.
    pub probe: Probe,
}

/// What one task made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rendered {
    /// Stored under keys that carry the attempt's fencing token; only the winner's are handed on.
    pub outputs: Vec<Stored>,
    /// What to show while they are loading, where it can be seen from what was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<Placeholder>,
    /// What was found in a document that was no PDF when it was probed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<media::document::Facts>,
}
