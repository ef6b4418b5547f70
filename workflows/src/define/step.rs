//! What a step is, what it is given, and how its result decides what happens next.

use std::{borrow::Cow, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::define::ids::{FencingToken, RunId};
use crate::define::{
    backoff::Backoff,
    record::{BoxError, Record, Write},
    reports::Reporting,
};

/// A named stage of a workflow: a type without a value. Whatever it works with is in its context. It
/// may run twice (a crash can come after its last effect and before its commit) and must then do no
/// harm.
pub trait Step: Send + Sync + 'static {
    /// The durable name: written to the database, so never changed once deployed.
    const NAME: &'static str;
    /// Which workers take it: each queue has its own number of slots.
    const QUEUE: &'static str = "default";
    /// Outside services without which the step cannot work, by names of the caller's. While one of
    /// them is down ([`StepError::Unavailable`]), tasks of this step wait.
    const NEEDS: &'static [&'static str] = &[];
    /// What the process gives to every step of the workflow: its clients, its settings. `()` for
    /// steps that need nothing. See [`Workflow::with_context`](crate::Workflow::with_context).
    type Context: Send + Sync + 'static;
    /// What it is given: small facts (ids, keys, hashes), never bytes.
    type Input: DeserializeOwned + Send + 'static;
    /// What it hands on.
    type Output: Serialize + Send + 'static;

    /// Retries, crash limit and timeout of this step.
    fn settings() -> StepSettings {
        StepSettings::default()
    }

    /// Does the work of one attempt, outside any transaction. Dropping the future must stop the work.
    fn run(
        cx: &Attempt<Self::Context>,
        input: Self::Input,
    ) -> impl Future<Output = Result<Done<Self::Output>, StepError>> + Send;
}

/// A step that does some of the children of a fan-out in place of another, such as those that need a queue of their own. See
/// [`Route::fan_out_or`](crate::define::workflow::Route::fan_out_or).
pub trait Alternative: Step {
    /// Whether a child is for this step. Pure: it is asked once, when the fan-out is committed.
    fn takes(input: &Self::Input) -> bool;
}

/// How a step is retried and bounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepSettings {
    /// Delays and number of attempts that may end in an error.
    pub backoff: Backoff,
    /// How many times the process may die of one task before the task is taken for poison. A task
    /// that was one of several in a process that died is not charged: it is tried again apart
    /// from the others, to see which of them it was. With a limit of 1 it is not tried again.
    pub crash_limit: u32,
    /// How many times a worker may hand the task back (stop, deploy) before it goes to the dead
    /// letters. `None`: as often as it likes.
    pub interruption_limit: Option<u32>,
    /// Wall time of one attempt, after which it counts as an error.
    pub timeout: Duration,
}

impl StepSettings {
    /// As it is written with a lease.
    pub(crate) fn crash_limit(&self) -> i32 {
        i32::try_from(self.crash_limit).unwrap_or(i32::MAX)
    }
}

impl Default for StepSettings {
    /// [`Backoff::default`], three crashes, any number of interruptions, ten minutes.
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            crash_limit: 3,
            interruption_limit: None,
            timeout: Duration::from_mins(10),
        }
    }
}

/// What an attempt works with, and what it knows about itself.
pub struct Attempt<C = ()> {
    /// What the process gives to the steps.
    pub context: Arc<C>,
    /// The run this task belongs to.
    pub run_id: RunId,
    /// What the run is about, as given to [`crate::client::start::Starter::start`].
    pub subject: Uuid,
    /// Fencing token of this attempt: grows with every claim, never reused. Put it into the keys
    /// of outside effects, and only the winner's are ever referred to.
    pub token: FencingToken,
    /// Number of the attempt at this step, from 1, whatever ended the earlier ones.
    pub attempt: u32,
    /// Fires when the attempt has lost its right to work (cancelled, lease lost, shutdown).
    pub cancelled: CancellationToken,
    /// W3C trace context of whatever started the run, for requests that the step makes.
    pub trace_parent: Option<String>,
    /// The way of [`progress`](Self::progress) and checkpoints.
    pub(crate) reporting: Reporting,
}

impl<C> Clone for Attempt<C> {
    fn clone(&self) -> Self {
        let attempt = Attempt {
            context: Arc::new(()),
            run_id: self.run_id,
            subject: self.subject,
            token: self.token,
            attempt: self.attempt,
            cancelled: self.cancelled.clone(),
            trace_parent: self.trace_parent.clone(),
            reporting: self.reporting.clone(),
        };
        attempt.with(Arc::clone(&self.context))
    }
}

impl Attempt {
    /// The same attempt, with what its step works with.
    pub(crate) fn with<C>(self, context: Arc<C>) -> Attempt<C> {
        Attempt {
            context,
            run_id: self.run_id,
            subject: self.subject,
            token: self.token,
            attempt: self.attempt,
            cancelled: self.cancelled,
            trace_parent: self.trace_parent,
            reporting: self.reporting,
        }
    }
}

/// A finished step: its output, and what is recorded with it.
pub struct Done<O> {
    pub(crate) output: O,
    pub(crate) writes: Vec<Arc<dyn Write>>,
    pub(crate) alone: bool,
    pub(crate) sleep: Duration,
}

impl<O> Done<O> {
    /// A result of which nothing is recorded but the output.
    pub fn new(output: O) -> Self {
        Self {
            output,
            writes: Vec::new(),
            alone: false,
            sleep: Duration::ZERO,
        }
    }

    /// Adds facts that are recorded in the transaction that completes the step, after those that were
    /// added before. If any of them does not share its commit, none does.
    #[must_use]
    pub fn recording<R: Record>(mut self, facts: R) -> Self {
        self.writes.push(Arc::new(facts));
        self.alone |= !R::SHARES_COMMIT;
        self
    }

    /// A durable timer: the run sleeps for so long before its next step begins, to the second, without
    /// a slot or a process, through restarts and deploys. Resuming a paused run wakes it. Has no effect
    /// on the last step, on the children of a fan-out, and on a join that waits for others.
    #[must_use]
    pub fn sleeping(mut self, time: Duration) -> Self {
        self.sleep = time;
        self
    }
}

/// Output of a step that is followed by a fan-out: one task per child, and what the join gets
/// beside the children's outputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanOut<C, P> {
    /// Inputs of the children, in order. May be empty: the join then follows at once.
    pub children: Vec<C>,
    /// Handed to the join untouched.
    pub carry: P,
}

/// Input of a join: what was carried past the fan-out, and every child's output in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined<P, D> {
    /// What the fan-out handed past its children: [`FanOut::carry`].
    pub carry: P,
    /// Outputs of the children, in the order of [`FanOut::children`].
    pub children: Vec<D>,
}

/// A child that a join has to do without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("missing: {error}")]
pub struct Missing {
    /// The error that sent it to the dead letters.
    pub error: String,
}

/// A failed attempt. The variant says what happens next.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The world's fault: try again later.
    #[error("{source}")]
    Retry {
        /// What went wrong.
        source: BoxError,
        /// Delay that the dependency asked for (`Retry-After`), instead of the backoff's.
        after: Option<Duration>,
    },
    /// An outside service is down, which says nothing about this task: it spends nobody's budget.
    /// After a few in a row the tasks of all steps that need the service wait, but for one at a time
    /// that tries whether it is back; then all go on by themselves.
    #[error("{dependency} is unavailable: {source}")]
    Unavailable {
        /// Name of the service, as in [`Step::NEEDS`].
        dependency: &'static str,
        /// What went wrong.
        source: BoxError,
        /// Delay that the service asked for.
        after: Option<Duration>,
    },
    /// The input's fault: the run ends, and its owner is told why.
    #[error("rejected: {0}")]
    Reject(Rejection),
    /// Our fault: no retry will help, straight to the dead letters.
    #[error("{source}")]
    Fail {
        /// What went wrong.
        source: BoxError,
    },
}

/// Why an input was refused, for its owner to read and for programs to act on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Rejection {
    /// For programs: a word that stays the same when the sentence is worded anew.
    pub code: Cow<'static, str>,
    /// One sentence for people.
    pub message: String,
    /// What else is known, for example the limit and what was measured.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub details: Value,
}

/// Chooses at the call site what an error means for the attempt.
pub trait NextOnError<T> {
    /// The attempt failed; another one may succeed.
    fn or_retry(self) -> Result<T, StepError>;
    /// The outside service of this name is down.
    fn or_unavailable(self, dependency: &'static str) -> Result<T, StepError>;
    /// No attempt can succeed, and the input is not to blame.
    fn or_fail(self) -> Result<T, StepError>;
}

impl<T, E: Into<BoxError>> NextOnError<T> for Result<T, E> {
    fn or_retry(self) -> Result<T, StepError> {
        self.map_err(|e| StepError::Retry {
            source: e.into(),
            after: None,
        })
    }

    fn or_unavailable(self, dependency: &'static str) -> Result<T, StepError> {
        self.map_err(|e| StepError::Unavailable {
            dependency,
            source: e.into(),
            after: None,
        })
    }

    fn or_fail(self) -> Result<T, StepError> {
        self.map_err(|e| StepError::Fail { source: e.into() })
    }
}
