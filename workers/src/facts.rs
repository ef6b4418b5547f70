//! What the steps hand on: ids, and what is not on record in the tables. These shapes are stored with runs in flight: fields may be added with
//! a default, and a change that old runs could not read raises the workflow's version.

use media::{
    FileId, Sha256, UploadId,
    formats::InputFormat,
    recipes::{RecipeHash, UnitName},
    variants::NewVariant,
};
use serde::{Deserialize, Serialize};

/// The bytes are frozen: no client URL reaches them any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assembled {
    /// The file.
    pub file_id: FileId,
    /// Its upload session.
    pub upload_id: UploadId,
    /// What the store calls exactly these bytes.
    pub etag: String,
}

/// The bytes were looked at from end to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanned {
    /// The file.
    pub file_id: FileId,
    /// Its upload session.
    pub upload_id: UploadId,
    /// What the store calls exactly these bytes.
    pub etag: String,
    /// Of all of them.
    pub sha256: Sha256,
}

/// They are an image that may be decoded. Its format, length and digest are on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validated {
    /// The file.
    pub file_id: FileId,
    /// Its upload session.
    pub upload_id: UploadId,
    /// What the store calls exactly these bytes.
    pub etag: String,
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

/// What passes by the fan-out. The original is in the origin bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promoted {
    /// The file.
    pub file_id: FileId,
    /// Pixels as displayed.
    pub width: u32,
    /// Pixels as displayed.
    pub height: u32,
}

/// What one unit made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcoded {
    /// Stored under keys that carry the attempt's token; only the winner's are handed on.
    pub variants: Vec<NewVariant>,
}
