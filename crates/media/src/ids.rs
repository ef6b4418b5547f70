//! Names of things, so that one kind of id cannot be passed for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A file, for its whole life. A version 7 UUID: sorts by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileId(pub Uuid);

/// One upload session. A version 7 UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UploadId(pub Uuid);

impl From<Uuid> for FileId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl From<Uuid> for UploadId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who owns a file: 1 to 64 of `A-Z a-z 0-9 _ . : -`, chosen by whoever issues API keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OwnerId(String);

/// The text is no owner id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an owner id is 1 to 64 characters of A-Z a-z 0-9 _ . : -")]
pub struct InvalidOwnerId;

impl OwnerId {
    /// Checks an owner id.
    pub fn new(owner_id: impl Into<String>) -> Result<Self, InvalidOwnerId> {
        let owner_id = owner_id.into();
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.:-".contains(&b);
        if (1..=64).contains(&owner_id.len()) && owner_id.bytes().all(allowed) {
            Ok(Self(owner_id))
        } else {
            Err(InvalidOwnerId)
        }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OwnerId {
    type Err = InvalidOwnerId;

    fn from_str(owner_id: &str) -> Result<Self, Self::Err> {
        Self::new(owner_id)
    }
}

impl TryFrom<String> for OwnerId {
    type Error = InvalidOwnerId;

    fn try_from(owner_id: String) -> Result<Self, Self::Error> {
        Self::new(owner_id)
    }
}

impl From<OwnerId> for String {
    fn from(owner_id: OwnerId) -> Self {
        owner_id.0
    }
}

#[cfg(test)]
mod tests {
    use super::OwnerId;

    #[test]
    fn owner_ids_keep_to_their_alphabet() {
        let longest = "a".repeat(64);
        for good in ["a", "team:media-1", "user_1.x", &longest] {
            assert!(OwnerId::new(good).is_ok(), "{good}");
        }
        let too_long = "a".repeat(65);
        for bad in ["", "a b", "a/b", "ä", "a\n", &too_long] {
            assert!(OwnerId::new(bad).is_err(), "{bad:?}");
        }
    }
}
