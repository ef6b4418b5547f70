//! Upload sessions: how a file is sent, and the session's life from initiate to complete, abort or expiry.
//!
//! Ownership is part of every `WHERE`: another owner's session does not exist. Keys and S3 upload ids come from the
//! row, never from a client.

mod check;
mod idempotency;
mod opening;
mod plan;
pub mod resumable;
mod sessions;
mod upkeep;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

pub use self::check::{Incomplete, check};
pub use self::idempotency::{Remembered, recall, remember};
pub use self::plan::{
    ImpossibleSize, MAX_OBJECT_BYTES, MAX_PARTS, PART_SIZE_BYTES, Plan, RESUMABLE_MAX_BYTES,
    RESUMABLE_PART_SIZE_BYTES, SINGLE_PUT_MAX_BYTES, Strategy,
};
pub use self::sessions::{
    abort, complete, confirmed_parts, declare_sha256, get, initiate, load, lock, lock_of_file,
};
pub use self::upkeep::{Expired, Sweep, expire, forget_keys, sweeps, swept};
use crate::ObjectKey;
use crate::{FileId, OwnerId, Sha256, UploadId, keys};

/// A part as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// 1 to 10,000.
    pub number: u16,
    /// As the store gave it, in quotes.
    pub etag: String,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// An upload session: one file on its way into staging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    pub upload_id: UploadId,
    /// The file it will become.
    pub file_id: FileId,
    /// Whose it is.
    pub owner_id: OwnerId,
    /// What the client said it sends.
    pub declared: Declared,
    /// How it is sent.
    pub plan: Plan,
    /// Where, in the staging bucket.
    pub object_key: ObjectKey,
    /// The store's id, of a multipart upload only.
    pub s3_upload_id: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// No URL is signed beyond it.
    pub expires_at: DateTime<Utc>,
    /// How it stands.
    pub state: UploadState,
}

impl Upload {
    /// Where the bytes are once they are frozen, in the staging bucket: no URL that a client holds
    /// reaches them there. A multipart upload is frozen where it lies.
    pub fn frozen_key(&self) -> ObjectKey {
        match self.plan.strategy {
            Strategy::Single => keys::frozen(self.upload_id),
            Strategy::Multipart => self.object_key.clone(),
        }
    }
}

/// The media type of what nobody knows the media type of (RFC 9110 §8.3).
pub const UNDECLARED_TYPE: &str = "application/octet-stream";

/// What a client says about a file. Untrusted: for messages and comparison only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// For people to recognise the file.
    pub filename: String,
    /// Media type; [`UNDECLARED_TYPE`] if the client did not say.
    pub mime_type: String,
    /// Digest of the whole file, if the client knows it.
    pub sha256: Option<Sha256>,
    /// What the client wants to find again beside its file.
    pub metadata: BTreeMap<String, String>,
}

/// How a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadState {
    /// The client may send and complete. Whether it expired is for the caller's clock to say.
    Open,
    /// The client said it is done, and the store agreed.
    Completed(DateTime<Utc>),
    /// Given up.
    Aborted(DateTime<Utc>),
}
