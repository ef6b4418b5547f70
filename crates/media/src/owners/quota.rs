//! What owners may have.

use settings::Reader;

/// What an owner may have, where nothing else is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultQuota {
    /// Files; `None` is as many as they like.
    pub max_files: Option<u64>,
    /// Bytes of all files together, as they were sent.
    pub max_bytes: Option<u64>,
    /// Uploads that are open at a time.
    pub max_open_uploads: u32,
}

impl Default for DefaultQuota {
    fn default() -> Self {
        Self {
            max_files: None,
            max_bytes: None,
            max_open_uploads: 1000,
        }
    }
}

impl DefaultQuota {
    /// Reads `MEDIAMILL_MAX_OWNER_FILES`, `MEDIAMILL_MAX_OWNER_BYTES` and `MEDIAMILL_MAX_OPEN_UPLOADS`.
    pub fn from_env(reader: &mut Reader) -> Self {
        let defaults = Self::default();
        let mut most = |name| Some(reader.number_or(name, 0..=MOST, 0)).filter(|most| *most > 0);
        let (max_files, max_bytes) = (
            most("MEDIAMILL_MAX_OWNER_FILES"),
            most("MEDIAMILL_MAX_OWNER_BYTES"),
        );
        let default = defaults.max_open_uploads;
        let open = reader.number_or("MEDIAMILL_MAX_OPEN_UPLOADS", 1..=1_000_000, default.into());
        Self {
            max_files,
            max_bytes,
            max_open_uploads: u32::try_from(open).unwrap_or(default),
        }
    }
}

/// 2^53 − 1: what every reader of JSON can hold.
pub(super) const MOST: u64 = 9_007_199_254_740_991;

/// What one owner may have in place of the settings. `None`: as they say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    pub max_files: Option<u64>,
    /// Bytes of all files together.
    pub max_bytes: Option<u64>,
    /// Uploads that are open at a time.
    pub max_open_uploads: Option<u32>,
}

/// What there is not enough of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    Files,
    /// Bytes of all files together.
    Bytes,
}

impl Resource {
    /// The stable string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Bytes => "bytes",
        }
    }
}

/// More than the owner may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OverQuota {
    /// Of files or of bytes.
    #[error("{asked} more {} were asked for; {used} of {limit} are in use", resource.as_str())]
    Held {
        /// Of what.
        resource: Resource,
        /// What may be.
        limit: u64,
        /// What is.
        used: u64,
        /// What was asked for.
        asked: u64,
    },
    /// Of uploads that are open at a time.
    #[error("{open} uploads are open, and {limit} may be")]
    OpenUploads {
        /// What may be.
        limit: u32,
        /// What is.
        open: u32,
    },
}
