//! States, outcomes, causes and resolutions: the words of the database's columns, the public API, logs
//! and metrics, each an enum.

use std::{error::Error, fmt, str::FromStr};

use serde::Serialize;

/// A text that is none of the words of an enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// What was read instead of a word.
    pub text: String,
    /// The words that there are.
    pub words: &'static [&'static str],
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is none of {}", self.text, self.words.join(", "))
    }
}

impl Error for UnknownWord {}

/// An enum whose cases are stored and shown as words.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $case:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, sqlx::Type)]
        #[serde(rename_all = "snake_case")]
        #[sqlx(type_name = "text", rename_all = "snake_case")]
        pub enum $name { $($(#[$doc])* $case),+ }

        impl $name {
            /// Every word, in the order of the cases.
            pub const WORDS: &[&str] = &[$($word),+];

            /// The word that is stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$case => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$case),)+
                    _ => Err(UnknownWord { text: text.to_owned(), words: Self::WORDS }),
                }
            }
        }
    };
}

words! {
    /// The state of a run.
    RunState {
        /// It goes on, or waits for its turn.
        Running = "running",
        /// The last step is done.
        Succeeded = "succeeded",
        /// A step refused the input.
        Rejected = "rejected",
        /// It has not ended: it waits until its dead letters are re-driven or discarded.
        Dead = "dead",
        /// Somebody ended it.
        Cancelled = "cancelled",
    }
}

impl RunState {
    /// Whether nothing more happens to the run by itself or by a decision about its dead letters.
    pub const fn has_ended(self) -> bool {
        !matches!(self, Self::Running | Self::Dead)
    }
}

words! {
    /// The state of a step of a run, its fan-out children taken together.
    StepState {
        /// It waits for its turn.
        Ready = "ready",
        /// A worker is at it.
        Running = "running",
        /// It failed, and is tried again later.
        Retrying = "retrying",
        /// It is done.
        Done = "done",
        /// It refused its input.
        Rejected = "rejected",
        /// It failed for good, and waits for somebody to decide.
        Dead = "dead",
    }
}

words! {
    /// How an attempt ended.
    AttemptOutcome {
        /// The step is done.
        Done = "done",
        /// It failed, and may be tried again.
        Error = "error",
        /// A dependency of the step was down; the task is not to blame.
        Unavailable = "unavailable",
        /// It refused its input.
        Rejected = "rejected",
        /// Its process died of it.
        Crashed = "crashed",
        /// Its process or its lease was lost; the task is not to blame.
        Lost = "lost",
        /// The worker gave the task back.
        Interrupted = "interrupted",
        /// Its run was ended.
        Cancelled = "cancelled",
    }
}

words! {
    /// Why a task died.
    Cause {
        /// Too many attempts failed.
        Errors = "errors",
        /// Too many processes died of it.
        Crashes = "crashes",
        /// It was given back too often.
        Interruptions = "interruptions",
        /// The step said that no retry will help.
        Failed = "failed",
    }
}

impl Cause {
    /// How the task's last attempt ended.
    pub(crate) const fn outcome(self) -> AttemptOutcome {
        match self {
            Self::Crashes => AttemptOutcome::Crashed,
            Self::Interruptions => AttemptOutcome::Interrupted,
            Self::Errors | Self::Failed => AttemptOutcome::Error,
        }
    }
}

words! {
    /// What was decided about a dead letter.
    Resolution {
        /// Its task was started anew.
        Redriven = "redriven",
        /// It was given up, and its run with it.
        Discarded = "discarded",
        /// The join of its fan-out went on without it.
        Skipped = "skipped",
        /// Its run ended otherwise.
        Obsolete = "obsolete",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for word in AttemptOutcome::WORDS {
            let outcome: AttemptOutcome = word.parse().unwrap();
            assert_eq!(outcome.to_string(), *word);
            assert_eq!(serde_json::to_value(outcome).unwrap(), *word);
        }
        let unknown = "gone".parse::<RunState>().unwrap_err().to_string();
        assert_eq!(
            unknown,
            "\"gone\" is none of running, succeeded, rejected, dead, cancelled"
        );
    }
}
