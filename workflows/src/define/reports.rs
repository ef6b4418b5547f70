//! What a step says of itself while it runs: how far it is, and from where it could go on.
//!
//! Nothing here talks to the database. The engine's reporter does, on a task and a connection of its
//! own, and only for steps that use it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{Notify, mpsc, oneshot};
use uuid::Uuid;

use crate::define::record::BoxError;
use crate::define::{
    payload::{Payload, PayloadError},
    step::{Attempt, StepError},
};

/// Requests that wait for the reporter.
const WAITING: usize = 64;
/// Time between two tries to store or to read, which doubles with each.
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);

/// The way to the reporter. Clones share it.
#[derive(Clone)]
pub(crate) struct Reports {
    latest: Arc<Latest>,
    requests: mpsc::Sender<Request>,
}

/// The last word of each attempt that was not written yet, by task.
#[derive(Default)]
pub(crate) struct Latest {
    words: Mutex<HashMap<Uuid, Word>>,
    some: Notify,
}

/// How far an attempt says that it is.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub token: i64,
    pub done: f64,
    pub note: String,
}

/// What came of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    Yes,
    /// Somebody is just looking at the lease: to be tried again.
    Busy,
    /// The attempt has lost its lease. Nothing was written.
    Lost,
}

/// A checkpoint could not be stored or read.
#[derive(Debug)]
pub(crate) enum Unreported {
    /// The database refuses these data.
    Data(BoxError),
    /// The database is away, or somebody holds a row: to be tried again.
    Weather,
}

/// What a step waits for.
pub(crate) enum Request {
    Store {
        attempt: Reporting,
        state: Payload,
        answer: oneshot::Sender<Result<Stored, Unreported>>,
    },
    Restore {
        attempt: Reporting,
        answer: oneshot::Sender<Result<Option<Payload>, Unreported>>,
    },
}

/// One attempt's way to the reporter.
#[derive(Clone)]
pub(crate) struct Reporting {
    reports: Reports,
    pub task_id: Uuid,
    /// The step, and with it the queue's lane.
    pub lane: i32,
    pub token: i64,
}

impl fmt::Debug for Reporting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporting")
            .field("task_id", &self.task_id)
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}

impl Reports {
    /// The way, and its other end.
    pub fn new() -> (Self, mpsc::Receiver<Request>) {
        let (requests, other_end) = mpsc::channel(WAITING);
        let latest = Arc::default();
        (Self { latest, requests }, other_end)
    }

    pub fn latest(&self) -> Arc<Latest> {
        Arc::clone(&self.latest)
    }

    pub fn of(&self, task_id: Uuid, lane: i32, token: i64) -> Reporting {
        Reporting {
            reports: self.clone(),
            task_id,
            lane,
            token,
        }
    }
}

impl Latest {
    fn say(&self, task_id: Uuid, word: Word) {
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let known = words.get(&task_id);
        if known.is_none_or(|known| known.token <= word.token) {
            words.insert(task_id, word);
        }
        drop(words);
        self.some.notify_one();
    }

    /// Whether something is to be written.
    pub fn any(&self) -> bool {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        !words.is_empty()
    }

    /// Waits until there may be something.
    pub async fn some(&self) {
        self.some.notified().await;
    }

    pub fn take(&self) -> HashMap<Uuid, Word> {
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *words)
    }
}

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
