//! Places in the stream of events.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A place in the stream. Later events have greater ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Position {
    /// The writing transaction.
    pub(crate) xid: i64,
    /// A running number.
    pub(crate) seq: i64,
}

impl Position {
    /// Before every event.
    pub(crate) const BEGINNING: Self = Self { xid: -1, seq: -1 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.xid, self.seq)
    }
}

/// The text is not a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a position of an event: {0:?}")]
pub struct NotAPosition(String);

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let parse = || {
            let (xid, seq) = text.split_once('-')?;
            let (xid, seq) = (xid.parse().ok()?, seq.parse().ok()?);
            (xid >= 0 && seq >= 0).then_some(Self { xid, seq })
        };
        parse().ok_or_else(|| NotAPosition(text.to_owned()))
    }
}

impl From<Position> for String {
    fn from(position: Position) -> Self {
        position.to_string()
    }
}

impl TryFrom<String> for Position {
    type Error = NotAPosition;

    fn try_from(text: String) -> Result<Self, NotAPosition> {
        text.parse()
    }
}
