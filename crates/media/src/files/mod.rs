//! Files: the state machine, its guarded moves, and what owners may read.

mod discard;
mod ends;
mod moves;
pub mod objects;
mod placeholders;
mod read;
pub mod reconcile;
mod replan;
mod warnings;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::discard::{Discard, Kept, begin_discard, end_discard, keep, purge};
pub use self::ends::{NotRevived, Outcome, Stopped, delete, mark_stopped, revive};
pub use self::moves::{
    MoveError, mark_assembling, mark_processing, mark_ready, mark_rejected, mark_validated,
};
pub use self::placeholders::set_placeholder;
pub use self::read::{Cursor, get, list, load};
pub use self::replan::{ask_replan, begin_replan, in_one_piece};
pub use self::warnings::warn;
use crate::{FileId, OwnerId, Placeholder, RejectedAt, Sha256, UploadId, Warning};

/// What a completed upload hands to the workflow: everything else is in tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedFile {
    /// The file to process.
    pub file_id: FileId,
}

/// A file of which something is to be removed, as the workflow that does it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The session it came by.
    pub upload_id: UploadId,
}

/// Where a file is on its route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[sqlx(type_name = "file_status", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FileStatus {
    /// A client may still be sending bytes.
    Pending,
    /// The client is done; a run owns the file.
    Assembling,
    /// Scanned, probed, within limits.
    Validated,
    /// Variants are being made.
    Processing,
    /// Every variant is recorded and served.
    Ready,
    /// Refused for good.
    Rejected,
}

impl FileStatus {
    /// Every status, in the order of the route.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Assembling,
        Self::Validated,
        Self::Processing,
        Self::Ready,
        Self::Rejected,
    ];

    /// From which statuses a file may come to this one.
    pub const fn comes_from(self) -> &'static [Self] {
        match self {
            Self::Pending => &[],
            Self::Assembling => &[Self::Pending],
            Self::Validated => &[Self::Assembling],
            Self::Processing => &[Self::Validated],
            Self::Ready => &[Self::Processing],
            Self::Rejected => &[
                Self::Pending,
                Self::Assembling,
                Self::Validated,
                Self::Processing,
            ],
        }
    }
}

/// A file as its owner may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub file_id: FileId,
    /// Whose it is.
    pub owner_id: OwnerId,
    /// The session it came by.
    pub upload_id: UploadId,
    /// As declared, for people to recognise it.
    pub filename: String,
    /// As declared.
    pub declared_mime_type: String,
    /// As declared.
    pub declared_size_bytes: u64,
    /// What the client wants to find again beside it.
    pub metadata: BTreeMap<String, String>,
    /// Where it is on its route.
    pub status: FileStatus,
    /// Whether anything still happens to it, and if not, why.
    pub outcome: Outcome,
    /// Its owner deleted it.
    pub deleted: bool,
    /// What was found in the bytes, once validated.
    pub facts: Option<Facts>,
    /// What is served, once ready.
    pub published: Option<Published>,
    /// What to show of it while its picture is loading, once ready, if it has one.
    pub placeholder: Option<Placeholder>,
    /// Why it was refused, if it was.
    pub rejection: Option<RejectedAt>,
    /// What its owner should know, though it was taken.
    pub warnings: Vec<Warning>,
    /// When its upload began.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What was found in the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Media type, as detected.
    pub mime_type: String,
    /// Bytes, as measured.
    pub size_bytes: u64,
    /// Digest of the whole file.
    pub sha256: Sha256,
}

/// What is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Key prefix of the variants in the origin bucket.
    pub storage_path: String,
    /// Key of the main variant there. Its address is made when it is read.
    pub main_key: String,
}
