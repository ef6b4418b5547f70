//! The file's fault, on its way through the engine, which knows codes only as text. Here, and nowhere else, one becomes
//! the other.

use media::{RejectedAt, Rejection, RejectionCode, UnknownRejectionCode};
use serde::{Deserialize, Serialize};
use workflows::{Rejected, StepError};

/// What the engine keeps with the code and the message.
#[derive(Debug, Serialize, Deserialize)]
struct Details {
    limit: Option<String>,
    measured: Option<String>,
}

/// What was refused cannot be recorded, so somebody has to look at it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnreadableRejection {
    #[error(transparent)]
    Code(#[from] UnknownRejectionCode),
    #[error("the details of a refusal cannot be read")]
    Details(#[from] serde_json::Error),
}

/// Ends the run of a file for good.
pub(crate) fn reject(rejection: Rejection) -> StepError {
    let Rejection {
        code,
        message,
        limit,
        measured,
    } = rejection;
    match serde_json::to_value(Details { limit, measured }) {
        Ok(details) => StepError::Reject(workflows::Rejection {
            code: code.as_str().into(),
            message,
            details,
        }),
        Err(error) => StepError::Fail {
            source: Box::new(error),
        },
    }
}

/// A refusal as it is recorded with the file.
pub(crate) fn recorded(rejected: &Rejected) -> Result<RejectedAt, UnreadableRejection> {
    let workflows::Rejection {
        code,
        message,
        details,
    } = &rejected.rejection;
    let code: RejectionCode = code.parse()?;
    let Details { limit, measured } = Details::deserialize(details)?;
    Ok(RejectedAt {
        rejection: Rejection {
            code,
            message: message.clone(),
            limit,
            measured,
        },
        step: rejected.step.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through_the_engine(rejection: Rejection) -> Rejected {
        let StepError::Reject(rejection) = reject(rejection) else {
            panic!("a refusal rejects")
        };
        Rejected {
            step: "probe",
            rejection,
        }
    }

    #[test]
    fn a_refusal_reaches_the_files_record_whole() {
        for code in RejectionCode::ALL {
            let rejection = Rejection::new(code, "too big")
                .limit("9 px")
                .measured("10 px");
            let recorded = recorded(&through_the_engine(rejection.clone())).unwrap();
            assert_eq!(recorded, rejection.at("probe"));
        }
    }

    #[test]
    fn a_code_that_nobody_knows_is_an_error() {
        let mut rejected = through_the_engine(Rejection::new(RejectionCode::Malformed, "broken"));
        rejected.rejection.code = "melted".into();
        let error = recorded(&rejected).unwrap_err();
        assert!(error.to_string().contains("melted"), "{error}");
    }
}
