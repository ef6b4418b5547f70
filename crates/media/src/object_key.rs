//! The name of an object within a bucket.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest key S3 accepts, in bytes of UTF-8 (*Naming Amazon S3 objects*).
const MAX_BYTES: usize = 1024;

/// An object key: 1 to 1024 bytes of UTF-8, without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey(String);

/// Why a text is no object key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidObjectKey {
    /// S3 has no object without a name.
    #[error("object key is empty")]
    Empty,
    /// Over 1024 bytes.
    #[error("object key has {length_bytes} bytes; {MAX_BYTES} are allowed")]
    TooLong {
        /// Length found, in bytes of UTF-8.
        length_bytes: usize,
    },
    /// Control characters cannot be carried in the XML of listings.
    #[error("object key holds a control character")]
    ControlCharacter,
}

impl ObjectKey {
    /// Checks a key.
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidObjectKey> {
        let key = key.into();
        if key.is_empty() {
            Err(InvalidObjectKey::Empty)
        } else if key.len() > MAX_BYTES {
            Err(InvalidObjectKey::TooLong {
                length_bytes: key.len(),
            })
        } else if key.chars().any(char::is_control) {
            Err(InvalidObjectKey::ControlCharacter)
        } else {
            Ok(Self(key))
        }
    }

    /// The key as S3 sees it, not URL-encoded.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for ObjectKey {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for ObjectKey {
    type Err = InvalidObjectKey;

    fn from_str(key: &str) -> Result<Self, Self::Err> {
        Self::new(key)
    }
}

impl TryFrom<String> for ObjectKey {
    type Error = InvalidObjectKey;

    fn try_from(key: String) -> Result<Self, Self::Error> {
        Self::new(key)
    }
}

impl From<ObjectKey> for String {
    fn from(key: ObjectKey) -> Self {
        key.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_checked() {
        assert_eq!(ObjectKey::new(""), Err(InvalidObjectKey::Empty));
        assert_eq!(
            ObjectKey::new("a\nb"),
            Err(InvalidObjectKey::ControlCharacter)
        );
        assert!(ObjectKey::new("ü".repeat(512)).is_ok());
        let too_long = ObjectKey::new("ü".repeat(513));
        assert_eq!(
            too_long,
            Err(InvalidObjectKey::TooLong { length_bytes: 1026 })
        );
        assert_eq!(
            serde_json::to_string(&ObjectKey::new("a/b").unwrap()).unwrap(),
            "\"a/b\""
        );
        assert!(serde_json::from_str::<ObjectKey>("\"\"").is_err());
    }
}
