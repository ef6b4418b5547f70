//! Whose fault it is when a tool did not do what it was asked to do with a film, a sound or an office document.

use codecs::OfficeError;
use media::{Rejection, RejectionCode};
use sandbox::{Resource, ToolError};
use video::encode::EncodeError;
use video::probe::{ProbeError, Refusal, RefusalCode, number};
use workflows::{Attempt, NextOnError, StepError};

use super::machine;

/// Whose it is.
pub(crate) enum Blame {
    /// The file's, by a positive sign.
    Refused(Rejection),
    /// The file's, if it happens twice on the same bytes.
    Suspected(Rejection),
    /// Not the file's.
    Other(StepError),
}

/// What came of it: the result, or why the film is refused. A tool that fails at a film is asked once more: only what
/// happens twice is the film's fault. A tool of an attempt that is given up is ended.
pub(crate) async fn tried<C, T, E, F>(
    cx: &Attempt<C>,
    attempt: impl Fn() -> F,
) -> Result<Result<T, Rejection>, StepError>
where
    F: Future<Output = Result<T, E>>,
    Blame: From<E>,
{
    let tries = async {
        match attempt().await.map_err(Blame::from) {
            Err(Blame::Suspected(_)) => attempt().await.map_err(Blame::from),
            first => first,
        }
    };
    let result = tokio::select! {
        biased;
        () = cx.cancelled.cancelled() => return Err(GivenUp).or_retry(),
        result = tries => result,
    };
    match result {
        Ok(done) => Ok(Ok(done)),
        Err(Blame::Refused(rejection) | Blame::Suspected(rejection)) => Ok(Err(rejection)),
        Err(Blame::Other(error)) => Err(error),
    }
}

/// `None` of what was refused for `code`: it is of another kind.
pub(crate) fn unless<T>(
    code: RefusalCode,
    probed: Result<T, ProbeError>,
) -> Result<Option<T>, ProbeError> {
    match probed {
        Err(ProbeError::Refused(refusal)) if refusal.code == code => Ok(None),
        probed => probed.map(Some),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the attempt was given up")]
struct GivenUp;

impl From<ProbeError> for Blame {
    fn from(error: ProbeError) -> Self {
        match error {
            ProbeError::Refused(refusal) => Self::Refused(rejection(*refusal)),
            ProbeError::Tool(error) => error.into(),
        }
    }
}

impl From<EncodeError> for Blame {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::Tool(error) => error.into(),
            // Pictures that packets promised cannot be decoded.
            EncodeError::Segments { made, planned } if made < planned => {
                Self::Suspected(Rejection::new(
                    RejectionCode::Malformed,
                    "parts of the film cannot be decoded",
                ))
            }
            EncodeError::Short { made, planned } => {
                let message = format!("of {planned} seconds of sound, {made} can be decoded");
                Self::Suspected(Rejection::new(RejectionCode::Malformed, message))
            }
            error => Self::Other(StepError::Fail {
                source: Box::new(error),
            }),
        }
    }
}

impl From<OfficeError> for Blame {
    fn from(error: OfficeError) -> Self {
        match error {
            // It has not seen the document. Another machine's may be well.
            OfficeError::DoesNotWork(_) => Self::Other(StepError::Retry {
                source: Box::new(error),
                after: None,
            }),
            OfficeError::Tool(error) => error.into(),
        }
    }
}

impl From<ToolError> for Blame {
    fn from(error: ToolError) -> Self {
        let again = |error| {
            Self::Other(StepError::Retry {
                source: Box::new(error),
                after: None,
            })
        };
        match error {
            ToolError::Io { context, source } => Self::Other(machine(context, source)),
            ToolError::Failed { ref stderr, .. } if stderr.contains("No space left on device") => {
                let full = std::io::ErrorKind::StorageFull.into();
                Self::Other(machine("cannot write to the scratch folder", full))
            }
            // Nobody but the kernel kills with 9, when the machine has no memory left; and how long things take
            // by the clock on the wall is the machine's, too.
            ToolError::Failed {
                signal: Some(9), ..
            }
            | ToolError::LimitHit {
                resource: Resource::WallTime,
                ..
            } => again(error),
            ToolError::Failed { stderr, .. } => {
                tracing::info!(tool.stderr = stderr, "a tool failed at the file");
                let message = "the file is damaged or cut short, so that it cannot be decoded";
                Self::Suspected(Rejection::new(RejectionCode::Malformed, message))
            }
            ToolError::LimitHit { resource, allowed } => {
                let message = format!("the file needs more {resource} than one may use");
                let rejection = Rejection::new(RejectionCode::TooExpensive, message);
                Self::Refused(rejection.limit(allowed))
            }
            error @ (ToolError::Protocol(_)
            | ToolError::InvalidJob(_)
            | ToolError::Tool(_)
            | ToolError::Sandbox(_)
            | ToolError::Cancelled) => Self::Other(StepError::Fail {
                source: Box::new(error),
            }),
        }
    }
}

/// A refusal of the library in the domain's words.
fn rejection(refusal: Refusal) -> Rejection {
    let code = match refusal.code {
        RefusalCode::NoVideo
        | RefusalCode::HasVideo
        | RefusalCode::UnsupportedContainer
        | RefusalCode::UnsupportedCodec => RejectionCode::UnsupportedType,
        RefusalCode::Encrypted => RejectionCode::Encrypted,
        RefusalCode::TooLarge => RejectionCode::FileTooLarge,
        RefusalCode::TooLong => RejectionCode::TooLong,
        RefusalCode::TooManyPixels => RejectionCode::TooManyPixels,
        RefusalCode::TooSmall => RejectionCode::TooSmall,
        RefusalCode::TooManyTracks => RejectionCode::TooManyTracks,
        RefusalCode::NoSound => RejectionCode::NoSound,
        RefusalCode::Empty => RejectionCode::Empty,
        RefusalCode::TooManyChannels => RejectionCode::TooManyChannels,
        RefusalCode::TooHighSampleRate => RejectionCode::TooHighSampleRate,
        RefusalCode::TooManyPackets => RejectionCode::TooExpensive,
        RefusalCode::TooHighFrameRate => RejectionCode::TooHighFrameRate,
        RefusalCode::TooHighBitrate => RejectionCode::TooHighBitrate,
        RefusalCode::DurationMismatch => RejectionCode::DurationMismatch,
        RefusalCode::BrokenTimestamps => RejectionCode::BrokenTimestamps,
        RefusalCode::Malformed => RejectionCode::Malformed,
    };
    let with_unit = |value: f64| format!("{} {}", number(value), refusal.unit);
    Rejection {
        code,
        limit: refusal.limit.map(with_unit),
        measured: refusal.measured.map(with_unit),
        message: refusal.message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(signal: Option<i32>, stderr: &str) -> Blame {
        let stderr = stderr.to_owned();
        let code = signal.is_none().then_some(1);
        ToolError::Failed {
            code,
            signal,
            stderr,
        }
        .into()
    }

    #[test]
    fn what_the_machine_lacks_is_not_the_films_fault() {
        let full = failed(
            None,
            "av_interleaved_write_frame(): No space left on device",
        );
        assert!(matches!(full, Blame::Other(StepError::Unavailable { .. })));
        let killed = failed(Some(9), "");
        assert!(matches!(killed, Blame::Other(StepError::Retry { .. })));
        let crashed = failed(Some(11), "");
        assert!(matches!(crashed, Blame::Suspected(_)));
        let garbage = failed(None, "Invalid data found when processing input");
        assert!(matches!(garbage, Blame::Suspected(_)));
    }
}
