//! Why a file was refused for good. One stable code per cause, the same in the API, in events and in the database.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, IntoDeserializer as _};
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
    /// Protected by DRM or by a password.
    Encrypted,
    /// Plays for longer than allowed.
    TooLong,
    /// A side has fewer pixels than are needed.
    TooSmall,
    /// More tracks than allowed.
    TooManyTracks,
    /// More pictures in a second than allowed.
    TooHighFrameRate,
    /// More bits in a second than allowed.
    TooHighBitrate,
    /// The header says another length than the contents have.
    DurationMismatch,
    /// Times jump, or run backwards.
    BrokenTimestamps,
    /// There is nothing to listen to, nor to look at.
    NoSound,
    /// There is nothing in it: no sample of sound, no page.
    Empty,
    /// More channels of sound than allowed.
    TooManyChannels,
    /// More samples of sound in a second than allowed.
    TooHighSampleRate,
    /// A form that only some programs show.
    XfaOnly,
    /// A document of an office program, where there is nothing to open it.
    OfficeDocument,
}

impl RejectionCode {
    /// Every code, for documentation and tests.
    pub const ALL: [Self; 28] = [
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
        Self::Encrypted,
        Self::TooLong,
        Self::TooSmall,
        Self::TooManyTracks,
        Self::TooHighFrameRate,
        Self::TooHighBitrate,
        Self::DurationMismatch,
        Self::BrokenTimestamps,
        Self::NoSound,
        Self::Empty,
        Self::TooManyChannels,
        Self::TooHighSampleRate,
        Self::XfaOnly,
        Self::OfficeDocument,
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
            Self::Encrypted => "encrypted",
            Self::TooLong => "too_long",
            Self::TooSmall => "too_small",
            Self::TooManyTracks => "too_many_tracks",
            Self::TooHighFrameRate => "too_high_frame_rate",
            Self::TooHighBitrate => "too_high_bitrate",
            Self::DurationMismatch => "duration_mismatch",
            Self::BrokenTimestamps => "broken_timestamps",
            Self::NoSound => "no_sound",
            Self::Empty => "empty",
            Self::TooManyChannels => "too_many_channels",
            Self::TooHighSampleRate => "too_high_sample_rate",
            Self::XfaOnly => "xfa_only",
            Self::OfficeDocument => "office_document",
        }
    }
}

impl fmt::Display for RejectionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no code that this build knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no cause of a refusal that this build knows")]
pub struct UnknownRejectionCode(pub String);

impl FromStr for RejectionCode {
    type Err = UnknownRejectionCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known: Result<Self, de::value::Error> = Self::deserialize(text.into_deserializer());
        known.map_err(|_| UnknownRejectionCode(text.to_owned()))
    }
}

/// A refusal, with what the user needs to do better next time. The same from the decoder that finds a fault to the row
/// of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Rejection {
    pub code: RejectionCode,
    /// One sentence for people.
    pub message: String,
    /// What is allowed, with its unit, such as `100000000 pixels`.
    pub limit: Option<String>,
    /// What was found, with its unit.
    pub measured: Option<String>,
}

impl Rejection {
    /// A refusal without a limit.
    pub fn new(code: RejectionCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            limit: None,
            measured: None,
        }
    }

    /// Adds what is allowed, with its unit.
    #[must_use]
    pub fn limit(self, limit: impl Into<String>) -> Self {
        Self {
            limit: Some(limit.into()),
            ..self
        }
    }

    /// Adds what was found, with its unit.
    #[must_use]
    pub fn measured(self, measured: impl Into<String>) -> Self {
        Self {
            measured: Some(measured.into()),
            ..self
        }
    }

    /// The refusal as it is recorded: with the durable name of the step that refused.
    pub fn at(self, step: impl Into<String>) -> RejectedAt {
        RejectedAt {
            rejection: self,
            step: step.into(),
        }
    }
}

/// A refusal and where on the route it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedAt {
    /// Why.
    pub rejection: Rejection,
    /// Durable name of the step that refused; `upload` before there is one.
    pub step: String,
}

#[cfg(test)]
mod tests {
    use super::RejectionCode;

    #[test]
    fn stored_and_serialised_codes_are_the_same_strings() {
        for code in RejectionCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert_eq!(code.as_str().parse(), Ok(code));
        }
    }

    #[test]
    fn a_code_that_nobody_knows_is_an_error_and_no_other_code() {
        for text in ["", "Malformed", "corrupt_image", "malformed "] {
            let error = text.parse::<RejectionCode>().unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
