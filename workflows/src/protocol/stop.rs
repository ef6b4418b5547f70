//! What workers are told when a run is taken from them.

use std::{fmt, str::FromStr};

use crate::define::ids::{FencingToken, RunId};

/// The attempts of a run that have to stop: those up to `newest`, as they were when it was cancelled. A
/// run that was started again since has newer ones, which go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stop {
    pub run_id: RunId,
    pub newest: FencingToken,
}

/// The payload of the notification.
impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.run_id, self.newest)
    }
}

/// A payload that says something else, as another build may send it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAStop;

impl FromStr for Stop {
    type Err = NotAStop;

    fn from_str(payload: &str) -> Result<Self, NotAStop> {
        let (run, token) = payload.split_once(' ').ok_or(NotAStop)?;
        Ok(Self {
            run_id: RunId(run.parse().map_err(|_| NotAStop)?),
            newest: FencingToken(token.parse().map_err(|_| NotAStop)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_sent_is_understood_and_nothing_else_is() {
        let stop = Stop {
            run_id: RunId(Uuid::now_v7()),
            newest: FencingToken(i64::MAX),
        };
        assert_eq!(stop.to_string().parse(), Ok(stop));
        let run = stop.run_id.to_string();
        for odd in [
            "",
            " ",
            &run,
            &format!("{run} "),
            &format!("{run} x"),
            "x 7",
        ] {
            assert_eq!(odd.parse::<Stop>(), Err(NotAStop), "{odd:?}");
        }
    }
}
