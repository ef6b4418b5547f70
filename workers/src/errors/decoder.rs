//! Whose fault it is when a picture was not decoded.

use codecs::{DecodeError, RejectCode};
use media::RejectionCode;
use workflows::StepError;

use super::{Refusal, machine};

/// The decoder refused the file, or was itself at fault.
fn decoder(error: DecodeError) -> StepError {
    match error {
        DecodeError::Rejected(rejection) => {
            let code = code(rejection.code);
            Refusal {
                limit: rejection.limit,
                measured: rejection.measured,
            }
            .reject(code, &rejection.detail)
        }
        DecodeError::LimitHit {
            resource,
            ref allowed,
        } => {
            let message = format!("decoding needs more {resource} than one file may use");
            Refusal {
                limit: Some(allowed.clone()),
                measured: None,
            }
            .reject(RejectionCode::TooExpensive, &message)
        }
        // Whoever asks has seen it twice on the same bytes: see `crashed`.
        DecodeError::Crashed { .. } if error.is_the_files() => Refusal::default().reject(
            RejectionCode::Malformed,
            "the file cannot be read: its decoder crashes on it",
        ),
        DecodeError::Io { context, source } => machine(context, source),
        // A cancelled attempt is not settled by its result; what killed the decoder was the machine.
        DecodeError::Cancelled | DecodeError::Crashed { .. } => StepError::Retry {
            source: Box::new(error),
            after: None,
        },
        _ => StepError::Fail {
            source: Box::new(error),
        },
    }
}

/// Whether the decoder crashed of what it was given, as it seems, so that it is worth one more try:
/// only what happens twice on the same bytes is the file's fault.
pub(crate) fn crashed<T>(tried: &Result<T, StepOrDecodeError>) -> bool {
    matches!(tried, Err(StepOrDecodeError::Decode(error)) if error.is_the_files())
}

/// What a try to decode may end with.
pub(crate) enum StepOrDecodeError {
    /// Something around it.
    Step(StepError),
    /// The decoder itself.
    Decode(DecodeError),
}

impl From<StepError> for StepOrDecodeError {
    fn from(error: StepError) -> Self {
        Self::Step(error)
    }
}

impl From<StepOrDecodeError> for StepError {
    fn from(error: StepOrDecodeError) -> Self {
        match error {
            StepOrDecodeError::Step(error) => error,
            StepOrDecodeError::Decode(error) => decoder(error),
        }
    }
}

impl From<DecodeError> for StepOrDecodeError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

fn code(code: RejectCode) -> RejectionCode {
    match code {
        RejectCode::UnsupportedType => RejectionCode::UnsupportedType,
        RejectCode::FileTooLarge => RejectionCode::FileTooLarge,
        RejectCode::TooWide | RejectCode::TooTall | RejectCode::TooManyPixels => {
            RejectionCode::TooManyPixels
        }
        RejectCode::TooManyFrames => RejectionCode::TooManyFrames,
        RejectCode::DecodeLimitExceeded => RejectionCode::TooExpensive,
        _ => RejectionCode::Malformed,
    }
}
