//! What is done with many dead letters at once.

use poem_openapi::Object;
use uuid::Uuid;
use workflows::admin::dead_letters::Discarded;
use workflows::admin::redrive::Redrive;

use super::LetterFilterView;
use crate::contract::{Count, Time};

/// A re-drive of many dead letters, and how far it is.
#[derive(Debug, Object)]
#[oai(rename = "Redrive", skip_serializing_if_is_none)]
pub struct RedriveView {
    /// The re-drive.
    redrive_id: Uuid,
    /// Which letters.
    filter: LetterFilterView,
    /// Their runs start again from this step; absent: from where they died.
    from_step: Option<String>,
    /// How many a second.
    per_second: f64,
    /// How many at most.
    cap: i32,
    /// Who asked for it.
    actor: String,
    /// Reason that was given.
    reason: String,
    /// Letters that matched when it was asked for.
    matched: Count,
    /// Letters re-driven so far.
    redriven: i32,
    /// Letters left as they are, because their runs have not been through `from_step`.
    skipped: i32,
    /// When it was asked for. Letters that died later are left alone.
    created_at: Time,
    /// When it was done or stopped; absent while it goes on.
    ended_at: Option<Time>,
}

impl From<Redrive> for RedriveView {
    fn from(redrive: Redrive) -> Self {
        Self {
            redrive_id: redrive.redrive_id.0,
            filter: redrive.filter.into(),
            from_step: redrive.from_step,
            per_second: redrive.per_second,
            cap: redrive.cap,
            actor: redrive.actor,
            reason: redrive.reason,
            matched: redrive.matched.into(),
            redriven: redrive.redriven,
            skipped: redrive.skipped,
            created_at: redrive.created_at.into(),
            ended_at: redrive.ended_at.map(Into::into),
        }
    }
}

/// How many dead letters a re-drive would take.
#[derive(Debug, Object)]
pub struct RedriveCount {
    /// Open letters that match.
    pub matched: Count,
}

/// What one round of giving letters up did.
#[derive(Debug, Object)]
#[oai(rename = "DiscardedLetters")]
pub struct DiscardedView {
    /// Runs that were cancelled, with all their letters. None in a dry run.
    runs: Count,
    /// Open letters that still match: beyond the limit of one round, or of runs that somebody else was just at
    /// work on. Ask again while there are any.
    left: Count,
}

impl From<Discarded> for DiscardedView {
    fn from(Discarded { runs, left }: Discarded) -> Self {
        Self {
            runs: runs.into(),
            left: left.into(),
        }
    }
}
