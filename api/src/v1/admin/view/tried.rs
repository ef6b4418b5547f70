//! How far a step is, and how the attempts at it went.

use crate::contract::Time;
use poem_openapi::Object;
use workflows::admin::explain;

/// How the attempts at a step went so far.
#[derive(Debug, Object)]
#[oai(rename = "AttemptSummary", skip_serializing_if_is_none)]
pub struct Tried {
    /// Attempts that failed so far.
    #[oai(validator(minimum(value = "0")))]
    errors: i32,
    /// Failures with which it gives up, if a worker that is alive knows the step.
    #[oai(validator(minimum(value = "1")))]
    attempts: Option<u32>,
    /// The last error, with what caused it.
    error: Option<String>,
}

impl From<explain::Tried> for Tried {
    fn from(tried: explain::Tried) -> Self {
        let explain::Tried {
            errors,
            attempts,
            error,
        } = tried;
        Self {
            errors,
            attempts,
            error,
        }
    }
}

/// How far a step is, by its own word.
#[derive(Debug, Object)]
#[oai(rename = "StepProgress")]
pub struct Progress {
    /// From 0 to 1.
    #[oai(validator(minimum(value = "0"), maximum(value = "1")))]
    done: f64,
    /// In the step's words.
    note: String,
    /// When it said so.
    at: Time,
}

impl From<explain::Progress> for Progress {
    fn from(progress: explain::Progress) -> Self {
        Self {
            done: progress.done,
            note: progress.note,
            at: progress.at.into(),
        }
    }
}
