//! What the steps hand on. These shapes are stored with runs in flight: fields may be added with
//! a default, and a change that old runs could not read raises the workflow's version.

use media::{
    FileId, Sha256, UploadId,
    formats::InputFormat,
    recipes::{RecipeHash, UnitName},
    variants::NewVariant,
};
use serde::{Deserialize, Serialize};
use storage::ObjectKey;

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

/// An image that may be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validated {
    /// The bytes.
    pub scanned: Scanned,
    /// By structure, whatever was declared.
    pub format: InputFormat,
    /// Pixels as displayed.
    pub width: u32,
    /// Pixels as displayed.
    pub height: u32,
}

/// One unit of work of the transcode fan-out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscodeUnit {
    /// Content to read, in the origin bucket.
    pub sha256: Sha256,
    /// What it is.
    pub format: InputFormat,
    /// The recipe as it was planned.
    pub recipe: RecipeHash,
    /// Which of its units.
    pub unit: UnitName,
}

/// What passes by the fan-out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promoted {
    /// The image.
    pub validated: Validated,
    /// The original in the origin bucket.
    pub original: ObjectKey,
}

/// What one unit made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcoded {
    /// Stored under keys that carry the attempt's token; only the winner's are handed on.
    pub variants: Vec<NewVariant>,
}
