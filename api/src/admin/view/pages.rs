//! Lists.

use poem_openapi::Object;
use uuid::Uuid;
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
    runs: Vec<RunEntryView>,
    /// Give it as `after` for the next page; absent on the last page.
    next_cursor: Option<Uuid>,
}

impl From<Page<RunEntry>> for RunPage {
    fn from(page: Page<RunEntry>) -> Self {
        Self {
            runs: page.items.into_iter().map(Into::into).collect(),
            next_cursor: page.next,
        }
    }
}

/// One page of dead letters.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct DeadLetterPage {
    /// The letters, newest first.
    dead_letters: Vec<DeadLetterView>,
    /// Give it as `after` for the next page; absent on the last page.
    next_cursor: Option<Uuid>,
}

impl From<Page<DeadLetter>> for DeadLetterPage {
    fn from(page: Page<DeadLetter>) -> Self {
        Self {
            dead_letters: page.items.into_iter().map(Into::into).collect(),
            next_cursor: page.next,
        }
    }
}

/// All queues.
#[derive(Debug, Object)]
pub struct QueueList {
    /// The queues that ever had work, by name.
    queues: Vec<QueueView>,
}

impl From<Vec<QueueEntry>> for QueueList {
    fn from(queues: Vec<QueueEntry>) -> Self {
        Self {
            queues: queues.into_iter().map(Into::into).collect(),
        }
    }
}

/// Dead letters by kind.
#[derive(Debug, Object)]
#[oai(rename = "DeadLetterSummary")]
pub struct KindList {
    /// The kinds, the most frequent first; at most 500.
    kinds: Vec<KindView>,
}

impl From<Vec<Kind>> for KindList {
    fn from(kinds: Vec<Kind>) -> Self {
        Self {
            kinds: kinds.into_iter().map(Into::into).collect(),
        }
    }
}

/// Re-drives of many.
#[derive(Debug, Object)]
pub struct RedriveList {
    /// The re-drives, newest first; at most 500.
    redrives: Vec<RedriveView>,
}

impl From<Vec<Redrive>> for RedriveList {
    fn from(redrives: Vec<Redrive>) -> Self {
        Self {
            redrives: redrives.into_iter().map(Into::into).collect(),
        }
    }
}

/// Worker processes.
#[derive(Debug, Object)]
pub struct WorkerList {
    /// Those that have not left, newest first.
    workers: Vec<WorkerView>,
}

impl From<Vec<WorkerEntry>> for WorkerList {
    fn from(workers: Vec<WorkerEntry>) -> Self {
        Self {
            workers: workers.into_iter().map(Into::into).collect(),
        }
    }
}

/// One page of the audit.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct AuditPage {
    /// What was done, newest first.
    entries: Vec<AuditEntryView>,
    /// Give it as `before` for the next page; absent on the last page.
    next_cursor: Option<i64>,
}

impl AuditPage {
    /// A page of `limit` entries at most, made of one entry more where there is one.
    pub fn new(entries: Vec<AuditEntry>, limit: usize) -> Self {
        let more = entries.len() > limit;
        let page = entries.into_iter().take(limit).map(Into::into);
        let entries: Vec<AuditEntryView> = page.collect();
        let last = entries.last().filter(|_| more);
        Self {
            next_cursor: last.map(|entry| entry.audit_id),
            entries,
        }
    }
}
