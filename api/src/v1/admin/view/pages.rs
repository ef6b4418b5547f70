//! Lists.

use poem_openapi::Object;
use workflows::admin::Page;
use workflows::admin::audit::AuditEntry;
use workflows::admin::dead_letters::{DeadLetter, Kind};
use workflows::admin::queues::QueueEntry;
use workflows::admin::redrive::Redrive;
use workflows::admin::runs::RunEntry;
use workflows::admin::workers::WorkerEntry;

use super::{
    AuditEntryView, DeadLetterView, KindView, QueueView, RedriveView, RunEntryView, WorkerView,
};

/// One page of runs.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct RunPage {
    /// The runs, newest first.
    items: Vec<RunEntryView>,
    /// Give it as `cursor` for the next page; absent on the last page.
    next_cursor: Option<String>,
}

impl From<Page<RunEntry>> for RunPage {
    fn from(page: Page<RunEntry>) -> Self {
        Self {
            items: page.items.into_iter().map(Into::into).collect(),
            next_cursor: page.next.map(super::super::cursor),
        }
    }
}

/// One page of dead letters.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct DeadLetterPage {
    /// The letters, newest first.
    items: Vec<DeadLetterView>,
    /// Give it as `cursor` for the next page; absent on the last page.
    next_cursor: Option<String>,
}

impl From<Page<DeadLetter>> for DeadLetterPage {
    fn from(page: Page<DeadLetter>) -> Self {
        Self {
            items: page.items.into_iter().map(Into::into).collect(),
            next_cursor: page.next.map(super::super::cursor),
        }
    }
}

/// All queues that a worker or a run has named.
#[derive(Debug, Object)]
pub struct QueueList {
    /// The queues that ever had work, by name.
    items: Vec<QueueView>,
}

impl From<Vec<QueueEntry>> for QueueList {
    fn from(queues: Vec<QueueEntry>) -> Self {
        Self {
            items: queues.into_iter().map(Into::into).collect(),
        }
    }
}

/// Dead letters by kind.
#[derive(Debug, Object)]
#[oai(rename = "DeadLetterSummary")]
pub struct KindList {
    /// The kinds, the most frequent first; at most 500.
    items: Vec<KindView>,
}

impl From<Vec<Kind>> for KindList {
    fn from(kinds: Vec<Kind>) -> Self {
        Self {
            items: kinds.into_iter().map(Into::into).collect(),
        }
    }
}

/// Re-drives of many.
#[derive(Debug, Object)]
pub struct RedriveList {
    /// The re-drives, newest first; at most 500.
    items: Vec<RedriveView>,
}

impl From<Vec<Redrive>> for RedriveList {
    fn from(redrives: Vec<Redrive>) -> Self {
        Self {
            items: redrives.into_iter().map(Into::into).collect(),
        }
    }
}

/// Worker processes, whether alive or not.
#[derive(Debug, Object)]
pub struct WorkerList {
    /// Those that have not left, newest first.
    items: Vec<WorkerView>,
}

impl From<Vec<WorkerEntry>> for WorkerList {
    fn from(workers: Vec<WorkerEntry>) -> Self {
        Self {
            items: workers.into_iter().map(Into::into).collect(),
        }
    }
}

/// One page of the audit.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct AuditPage {
    /// What was done, newest first.
    items: Vec<AuditEntryView>,
    /// Give it as `cursor` for the next page; absent on the last page.
    next_cursor: Option<String>,
}

impl AuditPage {
    /// A page of `limit` entries at most, made of one entry more where there is one.
    pub fn new(entries: Vec<AuditEntry>, limit: usize) -> Self {
        let more = entries.len() > limit;
        let last = entries.get(limit.saturating_sub(1)).filter(|_| more);
        Self {
            next_cursor: last.map(|entry| format!("{:016x}", entry.audit_id)),
            items: entries.into_iter().take(limit).map(Into::into).collect(),
        }
    }
}
