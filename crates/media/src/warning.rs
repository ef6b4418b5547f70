//! What the owner of a file should know that was taken nevertheless. One stable code per cause, as with refusals.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The cause. The string is a contract: never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// The bytes are another format than the declared one, of the same kind.
    ContentTypeDiffers,
    /// The file ends before it should. What is there of it was taken.
    Truncated,
    /// Of an animation, the first frame is shown.
    FirstFrameOnly,
    /// Some of the pages that should be shown could not be drawn.
    PagesLeftOut,
}

impl Warning {
    /// Every code, as the contract lists them.
    pub const ALL: [Self; 4] = [
        Self::ContentTypeDiffers,
        Self::Truncated,
        Self::FirstFrameOnly,
        Self::PagesLeftOut,
    ];

    /// The stable string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContentTypeDiffers => "content_type_differs",
            Self::Truncated => "truncated",
            Self::FirstFrameOnly => "first_frame_only",
            Self::PagesLeftOut => "pages_left_out",
        }
    }

    /// The code by its string. A later build may have stored one that this build does not know.
    pub fn known(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Warning;

    #[test]
    fn stored_and_serialised_codes_are_the_same_strings() {
        for code in Warning::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert_eq!(Warning::known(code.as_str()), Some(code));
        }
        assert_eq!(Warning::known("unheard_of"), None);
    }
}
