//! Limits over all processes, and what they hold.

use poem_openapi::{Enum, Object};
use workflows::admin::limits;

use crate::contract::{Count, Time};

/// What a queue may, in all workers together. At least one of them.
#[derive(Debug, Clone, Object)]
#[oai(
    rename = "QueueLimitValues",
    deny_unknown_fields,
    skip_serializing_if_is_none
)]
pub struct LimitView {
    /// Tasks that run at once.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000")))]
    pub concurrency: Option<u32>,
    /// Tasks of one owner that run at once.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000")))]
    pub per_key: Option<u32>,
    /// Steps that begin in a second, on average. A quarter of a second's may begin at once.
    #[oai(validator(minimum(value = "0.000001"), maximum(value = "1000000")))]
    pub per_second: Option<f64>,
}

impl From<limits::Limit> for LimitView {
    fn from(limit: limits::Limit) -> Self {
        Self {
            concurrency: limit.concurrency,
            per_key: limit.per_key,
            per_second: limit.per_second,
        }
    }
}

impl From<LimitView> for limits::Limit {
    fn from(limit: LimitView) -> Self {
        Self {
            concurrency: limit.concurrency,
            per_key: limit.per_key,
            per_second: limit.per_second,
        }
    }
}

/// A queue with a limit.
#[derive(Debug, Object)]
#[oai(rename = "QueueLimit", skip_serializing_if_is_none)]
pub struct QueueLimitView {
    /// Name of the queue.
    queue: String,
    /// The limit that is set.
    limit: LimitView,
    /// Tasks of it that run now.
    running: Count,
    /// Steps that the rate would allow to begin now.
    may_begin: Option<f64>,
    /// When the limit was set.
    set_at: Time,
    /// Key or operator that set the limit.
    set_by: String,
    /// Reason that was given.
    reason: String,
}

impl From<limits::LimitEntry> for QueueLimitView {
    fn from(entry: limits::LimitEntry) -> Self {
        Self {
            queue: entry.queue,
            limit: entry.limit.into(),
            running: entry.running.into(),
            may_begin: entry.may_begin,
            set_at: entry.set_at.into(),
            set_by: entry.set_by,
            reason: entry.reason,
        }
    }
}

/// Queues with limits.
#[derive(Debug, Object)]
pub struct QueueLimitList {
    /// The limits, by name of the queue.
    items: Vec<QueueLimitView>,
}

impl From<Vec<limits::LimitEntry>> for QueueLimitList {
    fn from(limits: Vec<limits::LimitEntry>) -> Self {
        Self {
            items: limits.into_iter().map(Into::into).collect(),
        }
    }
}

/// What of a limit is used up.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename = "QueueLimitKind", rename_all = "snake_case")]
pub enum HeldBy {
    /// As many tasks of the queue run as may.
    Concurrency,
    /// As many tasks of the same owner run as may.
    Key,
    /// Steps begun per second.
    Rate,
}

impl From<limits::HeldBy> for HeldBy {
    fn from(held_by: limits::HeldBy) -> Self {
        match held_by {
            limits::HeldBy::Concurrency => Self::Concurrency,
            limits::HeldBy::Key => Self::Key,
            limits::HeldBy::Rate => Self::Rate,
        }
    }
}

/// It is ready, and a limit over all workers holds it.
#[derive(Debug, Object)]
#[oai(rename = "RunStatusHeldByLimit")]
pub struct HeldByLimit {
    /// Name of the queue.
    pub queue: String,
    /// Durable name of the step.
    pub step: String,
    /// Since when it is ready.
    pub since: Time,
    /// What is used up.
    pub held_by: HeldBy,
    /// The limit of the queue.
    pub limit: LimitView,
    /// Tasks of the queue that run.
    pub running: Count,
    /// Tasks of the same owner that go first, counted up to 10,000.
    pub ahead: Count,
}
