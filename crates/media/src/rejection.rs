//! Why a file was refused for good. One stable code per cause, the same in the API, in events and in the database.

use serde::{Deserialize, Serialize};

/// The cause. The string is a contract: never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RejectionCode {
    /// The client gave the upload up.
    UploadAborted,
    /// The client did not finish in time.
    UploadExpired,
    /// The object in storage is not what was there at completion.
    UploadChanged,
    /// The bytes are not as many as declared.
    SizeMismatch,
    /// The SHA-256 is not the declared one.
    ChecksumMismatch,
    /// More bytes than allowed.
    FileTooLarge,
    /// The scanner found malware.
    Infected,
    /// The scanner could not look at all of it, so it cannot be called clean.
    NotScannable,
    /// Not a format we take.
    UnsupportedType,
    /// The bytes are another format than the declared one.
    TypeMismatch,
    /// The format is right but the contents cannot be read.
    Malformed,
    /// A side, or the area, has more pixels than allowed.
    TooManyPixels,
    /// An animation has more frames than allowed.
    TooManyFrames,
    /// Decoding took more memory or time than allowed.
    TooExpensive,
}

impl RejectionCode {
    /// Every code, for documentation and tests.
    pub const ALL: [Self; 14] = [
        Self::UploadAborted,
        Self::UploadExpired,
        Self::UploadChanged,
        Self::SizeMismatch,
        Self::ChecksumMismatch,
        Self::FileTooLarge,
        Self::Infected,
        Self::NotScannable,
        Self::UnsupportedType,
        Self::TypeMismatch,
        Self::Malformed,
        Self::TooManyPixels,
        Self::TooManyFrames,
        Self::TooExpensive,
    ];

    /// The stable string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UploadAborted => "upload_aborted",
            Self::UploadExpired => "upload_expired",
            Self::UploadChanged => "upload_changed",
            Self::SizeMismatch => "size_mismatch",
            Self::ChecksumMismatch => "checksum_mismatch",
            Self::FileTooLarge => "file_too_large",
            Self::Infected => "infected",
            Self::NotScannable => "not_scannable",
            Self::UnsupportedType => "unsupported_type",
            Self::TypeMismatch => "type_mismatch",
            Self::Malformed => "malformed",
            Self::TooManyPixels => "too_many_pixels",
            Self::TooManyFrames => "too_many_frames",
            Self::TooExpensive => "too_expensive",
        }
    }
}

/// A refusal, with what the user needs to do better next time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The cause.
    pub code: RejectionCode,
    /// One sentence for people.
    pub message: String,
    /// What is allowed, with its unit, such as `100000000 pixels`.
    pub limit: Option<String>,
    /// What was found, with its unit.
    pub measured: Option<String>,
    /// Durable name of the step that refused.
    pub step: String,
}

impl Rejection {
    /// A refusal without a limit.
    pub fn new(code: RejectionCode, step: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            limit: None,
            measured: None,
            step: step.into(),
        }
    }

    /// Adds what is allowed and what was found, each with its unit.
    #[must_use]
    pub fn measured(mut self, limit: impl Into<String>, measured: impl Into<String>) -> Self {
        self.limit = Some(limit.into());
        self.measured = Some(measured.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::RejectionCode;

    #[test]
    fn stored_and_serialised_codes_are_the_same_strings() {
        for code in RejectionCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
