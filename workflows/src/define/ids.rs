//! What tells rows and attempts apart. Each is a type of its own, so that none can be taken for another;
//! in the database, in JSON and in logs they are the plain value.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A value with a meaning: the same in SQL and in JSON as what it holds.
macro_rules! newtype {
    ($(#[$doc:meta])* $name:ident($inner:ty) $(: $($derived:ident)+)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
        #[derive($($($derived),+)?)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl From<$inner> for $name {
            fn from(value: $inner) -> Self {
                Self(value)
            }
        }
    };
}

newtype! {
    /// A run. A `UUIDv7`: sorts by the time of the start.
    RunId(Uuid): Copy
}

newtype! {
    /// A task: a point of a run at which work goes on. It keeps its id from step to step.
    TaskId(Uuid): Copy
}

newtype! {
    /// A fan-out in progress: what its children and its join have in common.
    FanOutId(Uuid): Copy
}

newtype! {
    /// A dead letter. A `UUIDv7`: sorts by the time of the death.
    LetterId(Uuid): Copy
}

newtype! {
    /// A re-drive of many dead letters.
    RedriveId(Uuid): Copy
}

newtype! {
    /// A worker process, from its start to its end. Handed out by the database, from 1 upwards.
    WorkerId(i64): Copy
}

newtype! {
    /// The number of an attempt at a task. Later attempts at the task have greater ones, and no other
    /// attempt of the run has the same. What is written under an older one is refused.
    FencingToken(i64): Copy
}

newtype! {
    /// The order of a run's tasks among those of its fairness key, the lowest first: the time of the
    /// run's start in microseconds, moved by its priority.
    Rank(i64): Copy
}

newtype! {
    /// The hash of a run's fairness key, by which tasks are stored.
    FairnessHash(i64): Copy
}

newtype! {
    /// The number that the database gave to a lane: a step of a version of a workflow.
    LaneId(i32): Copy Default
}

newtype! {
    /// Alike for dead letters that died of the same kind of error: the step, and the error's message
    /// without what differs from one time to the next.
    Fingerprint(String)
}

impl FairnessHash {
    /// The lowest and the highest.
    pub(crate) const MIN: Self = Self(i64::MIN);
    pub(crate) const MAX: Self = Self(i64::MAX);

    /// The hash behind this one. The highest is its own.
    pub(crate) fn successor(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Fingerprint {
    /// The fingerprint as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
