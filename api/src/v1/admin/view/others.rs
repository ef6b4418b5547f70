//! Queues and the audit.

use poem_openapi::Object;
use serde_json::Value;
use workflows::admin::Breaker;
use workflows::admin::audit::AuditEntry;
use workflows::admin::queues::QueueEntry;

use super::PauseView;
use crate::contract::{Count, Time};

/// A queue with its depth and what holds it up.
#[derive(Debug, Object)]
#[oai(rename = "Queue", skip_serializing_if_is_none)]
pub struct QueueView {
    /// Name of the queue.
    queue: String,
    /// Workflows, with their versions, that have steps in it.
    workflows: Vec<String>,
    /// Tasks that could be worked on now, counted up to 100,000 a step.
    ready: Count,
    /// Those among them that were in a process when it died, and are begun one at a time.
    suspects: Count,
    /// How many of its tasks run at once, in all workers that are alive together. 0: nobody serves it.
    slots: Count,
    /// Who paused it, when and why. Absent while it is not paused.
    paused: Option<PauseView>,
    /// Outside services that are down and that steps of the queue need: tasks wait, but for one at a time that tries.
    breakers: Vec<BreakerView>,
}

/// An outside service that is down.
#[derive(Debug, Object)]
#[oai(rename = "Breaker")]
pub struct BreakerView {
    /// The service: `s3` or `clamd`.
    dependency: String,
    /// When it was noticed that the service is down.
    since: Time,
    /// When the next task may try.
    probe_at: Time,
    /// Error by which it was noticed last.
    error: String,
}

impl From<Breaker> for BreakerView {
    fn from(breaker: Breaker) -> Self {
        Self {
            dependency: breaker.dependency,
            since: breaker.since.into(),
            probe_at: breaker.probe_at.into(),
            error: breaker.error,
        }
    }
}

impl From<QueueEntry> for QueueView {
    fn from(queue: QueueEntry) -> Self {
        Self {
            queue: queue.queue,
            workflows: queue.workflows,
            ready: queue.ready.into(),
            suspects: queue.suspects.into(),
            slots: queue.slots.into(),
            paused: queue.paused.map(Into::into),
            breakers: queue.breakers.into_iter().map(Into::into).collect(),
        }
    }
}

/// Something that was done.
#[derive(Debug, Object)]
#[oai(rename = "AuditEntry")]
pub struct AuditEntryView {
    /// Number of the entry. Later entries have greater numbers.
    audit_id: Count,
    /// When it was done.
    at: Time,
    /// Key or operator that did it.
    actor: String,
    /// What, such as `run.cancel`.
    action: String,
    /// To what: the id of a run, a letter or a re-drive, or the name of a queue.
    target: String,
    /// Reason that was given.
    reason: String,
    /// Further details, by the kind of action.
    details: Value,
}

impl From<AuditEntry> for AuditEntryView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            audit_id: entry.audit_id.into(),
            at: entry.at.into(),
            actor: entry.actor,
            action: entry.action,
            target: entry.target,
            reason: entry.reason,
            details: entry.details,
        }
    }
}
