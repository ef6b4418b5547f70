//! Whose fault it is when a picture was not decoded.

use codecs::{DecodeError, RejectCode};
use media::RejectionCode;
use workflows::StepError;

use super::{Refusal, machine};

/// The decoder refused the file, or was itself at fault.
fn decoder(error: DecodeError) -> StepError {
    match error {
        DecodeError::Rejected(rejection) => {
            // The decoders' own words are for us: they quote the insides of files and of libraries.
            tracing::info!(
                decoder.detail = rejection.detail,
                "a decoder refused the file"
            );
            let message = sentence(rejection.code);
            Refusal {
                limit: rejection.limit,
                measured: rejection.measured,
            }
            .reject(code(rejection.code), message)
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

/// One for each code; limit and measured value stand beside it.
fn sentence(code: RejectCode) -> &'static str {
    match code {
        RejectCode::CorruptImage => {
            "the file is damaged or cut short, so that it cannot be decoded"
        }
        RejectCode::UnsupportedType => "this is no picture of a kind that is taken here",
        RejectCode::FileTooLarge => "the file has more bytes than a picture may have",
        RejectCode::TooWide => "the picture is wider than it may be",
        RejectCode::TooTall => "the picture is taller than it may be",
        RejectCode::TooManyPixels => "the picture has more pixels than it may have",
        RejectCode::TooManyFrames => "the animation has more frames than it may have",
        RejectCode::DecodeLimitExceeded => {
            "decoding needs more memory or time than one file may use"
        }
        _ => "the file cannot be decoded",
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

#[cfg(test)]
mod tests {
    use codecs::Rejection;
    use workflows::StepError;

    use super::*;

    #[test]
    fn a_refusal_has_our_words_and_the_decoders_numbers() {
        let refused = |code| {
            decoder(DecodeError::Rejected(Rejection {
                code,
                limit: Some("100 pixels".into()),
                measured: Some("200 pixels".into()),
                detail: "png: Chunk ChunkType { type: PLTE, .. }".into(),
            }))
        };
        let mut told = std::collections::HashSet::new();
        for code in [
            RejectCode::CorruptImage,
            RejectCode::UnsupportedType,
            RejectCode::FileTooLarge,
            RejectCode::TooWide,
            RejectCode::TooTall,
            RejectCode::TooManyPixels,
            RejectCode::TooManyFrames,
            RejectCode::DecodeLimitExceeded,
        ] {
            let StepError::Reject(rejection) = refused(code) else {
                panic!("{code} is the file's fault");
            };
            assert!(!rejection.message.contains("png"), "{}", rejection.message);
            assert_eq!(rejection.details["limit"], "100 pixels");
            assert_eq!(rejection.details["measured"], "200 pixels");
            assert!(
                told.insert(rejection.message),
                "{code} has words of its own"
            );
        }
    }
}
