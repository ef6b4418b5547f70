//! Writes what steps say of themselves, on a task and a connection of its own: nothing of it stands
//! in the way of a claim or of an attempt's end. Without a step that uses it there is no connection.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::define::ids::{FencingToken, TaskId};
use crate::store::error::StoreError;
use crate::{
    define::{
        payload::Payload,
        reports::{Latest, Reporting, Request, Stored, Unreported},
    },
    protocol::failure::storable,
    store::{
        connection::Link,
        reports::{self, Told},
        session::{ANSWER, within},
    },
    worker::in_flight::InFlight,
};

/// Time between two writes of progress.
const EVERY: Duration = Duration::from_secs(1);
/// Time after which what tasks left behind is removed.
const TIDY: Duration = Duration::from_secs(3);
/// One statement may take this long: a state may be large.
pub(crate) const STATEMENT: Duration = Duration::from_secs(20);
/// Bytes that are waited for a second longer.
const SECOND: u64 = 4 << 20;
/// A connection that nobody needed for this long is closed.
const IDLE: Duration = Duration::from_mins(1);

pub(crate) struct Reporter {
    pub link: Link,
    pub attempts: Arc<InFlight>,
    pub latest: Arc<Latest>,
    pub requests: mpsc::Receiver<Request>,
    /// Task and token of attempts that have something here.
    pub touched: HashSet<(TaskId, FencingToken)>,
    /// What other processes left behind was removed.
    pub swept: bool,
}

impl Reporter {
    /// Runs until `stop`, which comes after the last attempt.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut write_at = Instant::now();
        let mut tidy_at = Instant::now();
        loop {
            let words = self.latest.any();
            let latest = Arc::clone(&self.latest);
            tokio::select! {
                () = stop.cancelled() => break,
                request = self.requests.recv() => match request {
                    Some(request) => self.serve(request).await,
                    None => break,
                },
                () = latest.some(), if !words => {}
                () = sleep_until(write_at), if words => {
                    self.write().await;
                    write_at = Instant::now() + EVERY;
                }
                () = sleep_until(tidy_at), if !self.touched.is_empty() => {
                    self.tidy().await;
                    tidy_at = Instant::now() + TIDY;
                }
                () = tokio::time::sleep(IDLE), if !words && self.touched.is_empty() => {
                    self.link.disconnect();
                    self.link.reset_backoff();
                }
            }
        }
        self.tidy().await;
        self.link.close().await;
    }

    async fn write(&mut self) {
        let mut told = Told::default();
        for (task_id, word) in self.latest.take() {
            self.touched.insert((task_id, word.token));
            told.tasks.push(task_id);
            told.tokens.push(word.token);
            told.done.push(word.done);
            told.notes.push(storable(&word.note));
        }
        let telling = async {
            let (connection, _) = self.link.get().await?;
            within(ANSWER, reports::tell(connection, &told)).await
        };
        match telling.await {
            Ok(()) => self.link.reset_backoff(),
            // What is said next counts.
            Err(error) => {
                tracing::debug!(error = %error, "progress was not written");
                self.link.disconnect();
            }
        }
    }

    async fn serve(&mut self, request: Request) {
        match request {
            Request::Store {
                attempt,
                state,
                answer,
            } => {
                let stored = self.store(&attempt, &state).await;
                let _ = answer.send(self.heeded(stored));
            }
            Request::Restore { attempt, answer } => {
                let restored = self.restore(&attempt).await;
                let _ = answer.send(self.heeded(restored));
            }
        }
    }

    async fn store(&mut self, attempt: &Reporting, state: &Payload) -> Result<Stored, StoreError> {
        let Reporting {
            task_id,
            lane,
            token,
            ..
        } = *attempt;
        self.touched.insert((task_id, token));
        let (connection, _) = self.link.get().await?;
        let storing = reports::store(connection, (task_id, lane, token), state);
        let longer = Duration::from_secs(state.as_str().len() as u64 / SECOND);
        within(ANSWER + longer, storing).await
    }

    async fn restore(&mut self, attempt: &Reporting) -> Result<Option<Payload>, StoreError> {
        let (connection, _) = self.link.get().await?;
        let restoring = reports::restore(connection, attempt.task_id, attempt.lane);
        let restored = within(STATEMENT, restoring).await?;
        if restored.is_some() {
            self.touched.insert((attempt.task_id, attempt.token));
        }
        Ok(restored)
    }

    /// Whoever asked tries again after an error, on another connection if this one is broken.
    fn heeded<T>(&mut self, result: Result<T, StoreError>) -> Result<T, Unreported> {
        match &result {
            Ok(_) => self.link.reset_backoff(),
            Err(error) => {
                tracing::warn!(error = %error, "a checkpoint has to wait");
                if !error.is_answer() {
                    self.link.disconnect();
                }
            }
        }
        result.map_err(|error| {
            if error.is_data() {
                Unreported::Data(error.into())
            } else {
                Unreported::Weather
            }
        })
    }

    /// Attempts that have ended leave their rows to us. What a process leaves that dies goes when
    /// another one uses this, or with the upkeep.
    async fn tidy(&mut self) {
        let in_hand = self.attempts.older_than(Duration::ZERO);
        let in_hand: HashSet<_> = in_hand.iter().map(|a| (a.task_id, a.token)).collect();
        let ended: Vec<_> = self.touched.difference(&in_hand).copied().collect();
        if ended.is_empty() {
            return;
        }
        let tasks: Vec<TaskId> = ended.iter().map(|(task, _)| *task).collect();
        let tidying = async {
            let (connection, _) = self.link.get().await?;
            let tasks = self.swept.then_some(tasks.as_slice());
            within(ANSWER, reports::tidy(connection, tasks)).await
        };
        match tidying.await {
            Ok(()) => {
                self.link.reset_backoff();
                self.swept = true;
                self.touched.retain(|attempt| !ended.contains(attempt));
            }
            Err(error) => {
                tracing::debug!(error = %error, "what attempts left behind is still there");
                self.link.disconnect();
            }
        }
    }
}
