//! What a long step says of itself while it runs: progress, and checkpoints that outlive the attempt.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::oneshot;

use crate::define::{
    payload::{Payload, PayloadError},
    record::BoxError,
    reports::{Request, Stored, Unreported, Word},
    step::{Attempt, StepError},
};

/// Time between two tries to store or to read, which doubles with each.
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);

impl<C: Send + Sync> Attempt<C> {
    /// Says how far the attempt is, from 0 to 1, for people who look. Costs nothing worth mentioning
    /// and never waits: what was said last is written about once a second.
    pub fn progress(&self, done: f64, note: impl Into<String>) {
        let done = if done.is_nan() {
            0.0
        } else {
            done.clamp(0.0, 1.0)
        };
        let (token, note) = (self.token, note.into());
        let word = Word { token, done, note };
        self.reporting
            .reports
            .latest
            .say(self.reporting.task_id, word);
    }

    /// Stores from where another attempt of this task could go on ([`restore`](Self::restore)), in
    /// place of what was stored before. It is on disk when this returns, and goes when the task goes
    /// on to its next step.
    ///
    /// While the database is away this waits. An attempt that has lost its lease stores nothing: it
    /// is interrupted, at no charge. The state has the limits of a step's input.
    pub fn checkpoint<T: Serialize + ?Sized>(
        &self,
        state: &T,
    ) -> impl Future<Output = Result<(), StepError>> + Send {
        let state = Payload::encode(state);
        async move {
            let state = state.map_err(|e| fail(Unstorable(e)))?;
            let store = |answer| Request::Store {
                attempt: self.reporting.clone(),
                state: state.clone(),
                answer,
            };
            let mut wait = FIRST;
            loop {
                match self.ask(store).await? {
                    Some(Stored::Yes) => return Ok(()),
                    Some(Stored::Lost) => return Err(self.interrupted().await),
                    Some(Stored::Busy) | None => {}
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST);
            }
        }
    }

    /// What an earlier attempt of this task has stored last at this step, whatever became of it and
    /// of its process. `None` when there is nothing, and when it does not decode as a `T`: a build
    /// that has changed the form of its checkpoints begins anew.
    pub async fn restore<T: DeserializeOwned>(&self) -> Result<Option<T>, StepError> {
        let restore = |answer| Request::Restore {
            attempt: self.reporting.clone(),
            answer,
        };
        let mut wait = FIRST;
        let stored = loop {
            if let Some(stored) = self.ask(restore).await? {
                break stored;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST);
        };
        let decoded = stored.map(|state| state.decode()).transpose();
        Ok(decoded.unwrap_or_else(|error| {
            tracing::warn!(error = %error, "a checkpoint does not decode, the step begins anew");
            None
        }))
    }

    /// Asks once. `None`: the database is unwell.
    async fn ask<T>(
        &self,
        request: impl Fn(oneshot::Sender<Result<T, Unreported>>) -> Request,
    ) -> Result<Option<T>, StepError> {
        let (answer, answered) = oneshot::channel();
        let sent = self.reporting.reports.requests.send(request(answer)).await;
        // The reporter ends after the last attempt, or with the engine.
        let answered = match sent {
            Ok(()) => answered.await.ok(),
            Err(_) => None,
        };
        match answered {
            None => Err(self.interrupted().await),
            Some(Err(Unreported::Data(error))) => Err(fail(error)),
            Some(Err(Unreported::Weather)) => Ok(None),
            Some(Ok(answer)) => Ok(Some(answer)),
        }
    }

    /// Ends the attempt without blame: its end would be stale. Whoever still runs the step's future
    /// drops it at the next wait.
    async fn interrupted(&self) -> StepError {
        self.cancelled.cancel();
        tokio::task::yield_now().await;
        StepError::Retry {
            source: Box::new(LeaseLost),
            after: None,
        }
    }
}

fn fail(error: impl Into<BoxError>) -> StepError {
    StepError::Fail {
        source: error.into(),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the attempt has lost its lease")]
struct LeaseLost;

#[derive(Debug, thiserror::Error)]
#[error("the step's checkpoint cannot be stored")]
struct Unstorable(#[source] PayloadError);
