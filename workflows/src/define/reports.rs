//! What a step says of itself while it runs: how far it is, and from where it could go on.
//!
//! Nothing here talks to the database. The engine's reporter does, on a task and a connection of its
//! own, and only for steps that use it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Notify, mpsc, oneshot};

use crate::define::ids::{FencingToken, LaneId, TaskId};
use crate::define::payload::Payload;
use crate::define::record::BoxError;

/// Requests that wait for the reporter.
const WAITING: usize = 64;

/// The way to the reporter. Clones share it.
#[derive(Clone)]
pub(crate) struct Reports {
    pub(crate) latest: Arc<Latest>,
    pub(crate) requests: mpsc::Sender<Request>,
}

/// The last word of each attempt that was not written yet, by task.
#[derive(Default)]
pub(crate) struct Latest {
    words: Mutex<HashMap<TaskId, Word>>,
    some: Notify,
}

/// How far an attempt says that it is.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub token: FencingToken,
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
    pub(crate) reports: Reports,
    pub task_id: TaskId,
    /// The step, and with it the queue's lane.
    pub lane: LaneId,
    pub token: FencingToken,
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

    pub fn of(&self, task_id: TaskId, lane: LaneId, token: FencingToken) -> Reporting {
        Reporting {
            reports: self.clone(),
            task_id,
            lane,
            token,
        }
    }
}

impl Latest {
    pub(crate) fn say(&self, task_id: TaskId, word: Word) {
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

    pub fn take(&self) -> HashMap<TaskId, Word> {
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *words)
    }
}
