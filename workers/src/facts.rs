//! What the steps hand on. These shapes are stored with runs in flight: fields may be added with
//! a default, and a change that old runs could not read raises the workflow's version.

use media::{FileId, Sha256, UploadId, recipes::RecipeHash};
use serde::{Deserialize, Serialize};
use storage::ObjectKey;

use crate::kinds::{Probe, Stored, Unit};

/// The frozen bytes: no client URL reaches them any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assembled {
    /// The file.
    pub file_id: FileId,
    /// Its upload session.
    pub upload_id: UploadId,
    /// Where the frozen bytes are in the staging bucket.
    pub key: ObjectKey,
    /// What the store calls exactly these bytes.
    pub etag: String,
    /// Bytes.
    pub size_bytes: u64,
}

/// Bytes that were looked at from end to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanned {
    /// Where they are.
    pub assembled: Assembled,
    /// Of all of them.
    pub sha256: Sha256,
}

/// A file that is what it says, and within the limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// The bytes.
    pub scanned: Scanned,
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

/// What is carried past the fan-out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promoted {
    /// The file.
    pub probed: Probed,
    /// The original in the origin bucket.
    pub original: ObjectKey,
}

/// What one task made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// Stored under keys that carry the attempt's token; only the winner's are handed on.
    pub outputs: Vec<Stored>,
}
