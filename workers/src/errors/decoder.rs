//! Whose fault it is when a file was not decoded.

use codecs::DecodeError;
use media::{Rejection, RejectionCode};
use workflows::StepError;

use super::machine;

/// What came of a decode: the result, or why the file is refused. A decoder that crashes, of what it was given as it
/// seems, is asked once more: only what happens twice on the same bytes is the file's fault.
pub(crate) async fn decoded<T, F>(
    attempt: impl Fn() -> F,
) -> Result<Result<T, Rejection>, StepError>
where
    F: Future<Output = Result<T, StepOrDecodeError>>,
{
    let mut tried = attempt().await;
    if matches!(&tried, Err(StepOrDecodeError::Decode(error)) if error.is_the_files()) {
        tried = attempt().await;
    }
    match tried {
        Ok(result) => Ok(Ok(result)),
        Err(StepOrDecodeError::Step(error)) => Err(error),
        Err(StepOrDecodeError::Decode(error)) => judge(error).map(Err),
    }
}

/// The refusal if it is the file's fault, and else what to do.
pub(super) fn judge(error: DecodeError) -> Result<Rejection, StepError> {
    match error {
        DecodeError::Rejected(rejection) => Ok(in_our_words(rejection)),
        DecodeError::LimitHit { resource, allowed } => {
            let message = format!("decoding needs more {resource} than one file may use");
            Ok(Rejection::new(RejectionCode::TooExpensive, message).limit(allowed))
        }
        DecodeError::Failed { .. } if error.is_the_files() => Ok(Rejection::new(
            RejectionCode::Malformed,
            "the file cannot be read: its decoder crashes on it",
        )),
        DecodeError::Io { context, source } => Err(machine(context, source)),
        // A cancelled attempt is not settled by its result; what killed the decoder was the machine.
        DecodeError::Cancelled | DecodeError::Failed { .. } => Err(StepError::Retry {
            source: Box::new(error),
            after: None,
        }),
        DecodeError::Protocol(_)
        | DecodeError::InvalidJob(_)
        | DecodeError::Tool(_)
        | DecodeError::Sandbox(_) => Err(StepError::Fail {
            source: Box::new(error),
        }),
    }
}

/// Where a decoder stopped, and in which words of its library, is for the log; owners are told what it means.
fn in_our_words(rejection: Rejection) -> Rejection {
    if rejection.code != RejectionCode::Malformed {
        return rejection;
    }
    tracing::info!(
        decoder.detail = rejection.message,
        "a decoder refused the file"
    );
    let message = "the file is damaged or cut short, so that it cannot be decoded";
    Rejection {
        message: message.into(),
        ..rejection
    }
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

impl From<DecodeError> for StepOrDecodeError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_our_words_and_the_decoders_numbers() {
        let words = "png: Chunk ChunkType { type: PLTE, .. }";
        let broken = Rejection::new(RejectionCode::Malformed, words);
        let told = judge(DecodeError::Rejected(broken.measured("3 bytes"))).unwrap();
        assert!(!told.message.contains("png"), "{}", told.message);
        assert_eq!(told.measured.as_deref(), Some("3 bytes"));
        let large = Rejection::new(RejectionCode::TooManyPixels, "4 pixels, at most 2 allowed");
        let told = judge(DecodeError::Rejected(large.clone())).unwrap();
        assert_eq!(told, large);
    }
}
