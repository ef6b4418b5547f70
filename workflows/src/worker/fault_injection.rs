//! Repeats first attempts, or makes them fail, so that tests see whether steps may run twice.

use futures::future::BoxFuture;

use crate::define::{step::StepError, workflow::Performed};

/// What happens to the first attempt of every task. For tests of workflows: a run must come to the same
/// end as without a rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rehearsal {
    /// Steps run once, as in production.
    #[default]
    None,
    /// It runs to its end, and then its result is thrown away: the worker was lost just before its
    /// commit. So every step runs twice.
    Twice,
    /// It fails before it begins, as when a dependency is down.
    FailedOnce,
}

impl Rehearsal {
    pub(crate) async fn around(
        self,
        attempt: u32,
        work: BoxFuture<'_, Result<Performed, StepError>>,
    ) -> Result<Performed, StepError> {
        match self {
            Self::Twice if attempt == 1 => {
                work.await?;
                Err(rehearsed())
            }
            Self::FailedOnce if attempt == 1 => Err(rehearsed()),
            _ => work.await,
        }
    }
}

fn rehearsed() -> StepError {
    StepError::Retry {
        source: "rehearsed failure".into(),
        after: Some(std::time::Duration::ZERO),
    }
}
