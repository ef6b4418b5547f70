//! What a failure of the tools means for the attempt: the world (retry), the file (reject) or us
//! (fail).

use std::fmt::Display;

use decoders::{DecodeError, RejectCode};
use media::{RejectionCode, storage::StorageError};
use serde::{Deserialize, Serialize};
use workflows::{Rejected, StepError};

use crate::tools::{ScratchError, clamd::ClamdError};

/// The outside services that steps need, by the names under which operators see them.
pub(crate) const STORE: &str = "s3";
pub(crate) const SCANNER: &str = "clamd";

/// The store is away (which is not the file's fault), or says something that more tries will not
/// change (fail).
pub(crate) fn storage(error: StorageError) -> StepError {
    let transient = error.is_transient();
    sort(error, transient, STORE)
}

/// The scanner is away (dead, frozen or loading its signatures), or is set up wrongly.
pub(crate) fn scanner(error: ClamdError) -> StepError {
    let transient = error.is_transient();
    sort(error, transient, SCANNER)
}

/// The scanner works, and fails at this file: the attempt pays for it, or one file could be tried for
/// ever and keep all others waiting.
pub(crate) fn scanner_at_this_file(error: ClamdError) -> StepError {
    StepError::Retry {
        source: Box::new(error),
        after: None,
    }
}

/// The local copy could not be made: the disk's or the store's trouble.
pub(crate) fn scratch(error: ScratchError) -> StepError {
    match error {
        ScratchError::Storage(error) => storage(error),
        other => StepError::Retry {
            source: Box::new(other),
            after: None,
        },
    }
}

fn sort(
    error: impl std::error::Error + Send + Sync + 'static,
    transient: bool,
    dependency: &'static str,
) -> StepError {
    let source = Box::new(error);
    if transient {
        StepError::Unavailable {
            dependency,
            source,
            after: None,
        }
    } else {
        StepError::Fail { source }
    }
}

/// The decoder refused the file, or was itself at fault.
pub(crate) fn decoder(error: DecodeError) -> StepError {
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
        // A cancelled attempt is not settled by its result; a crash may have been the machine's.
        DecodeError::Cancelled | DecodeError::Crashed { .. } | DecodeError::Io { .. } => {
            StepError::Retry {
                source: Box::new(error),
                after: None,
            }
        }
        _ => StepError::Fail {
            source: Box::new(error),
        },
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

/// What is allowed and what was found, each with its unit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub limit: Option<String>,
    pub measured: Option<String>,
}

impl Refusal {
    pub fn new(limit: &dyn Display, measured: &dyn Display) -> Self {
        Self {
            limit: Some(format!("{limit}")),
            measured: Some(format!("{measured}")),
        }
    }

    /// The file's fault.
    pub fn reject(self, code: RejectionCode, message: &str) -> StepError {
        StepError::Reject(workflows::Rejection {
            code: code.as_str().into(),
            message: message.to_owned(),
            details: serde_json::to_value(self).unwrap_or_default(),
        })
    }
}

/// A refusal as it is recorded with the file.
pub(crate) fn recorded(rejected: &Rejected) -> media::Rejection {
    let workflows::Rejection {
        code,
        message,
        details,
    } = &rejected.rejection;
    let known = serde_json::from_value(serde_json::Value::from(code.as_ref()));
    let Refusal { limit, measured } = serde_json::from_value(details.clone()).unwrap_or_default();
    media::Rejection {
        code: known.unwrap_or(RejectionCode::Malformed),
        message: message.clone(),
        limit,
        measured,
        step: rejected.step.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_reaches_the_files_record_whole() {
        let StepError::Reject(rejection) =
            Refusal::new(&"9 px", &"10 px").reject(RejectionCode::TooManyPixels, "too big")
        else {
            panic!("a refusal rejects")
        };
        let recorded = recorded(&Rejected {
            step: "validate",
            rejection,
        });
        let expected = media::Rejection::new(RejectionCode::TooManyPixels, "validate", "too big")
            .measured("9 px", "10 px");
        assert_eq!(recorded, expected);
    }
}
