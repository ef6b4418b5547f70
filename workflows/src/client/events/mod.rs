//! What happened to runs, in an order that everybody sees alike: for those who pass it on (webhooks,
//! server-sent events, another system's copy) and must miss nothing.
//!
//! A workflow says what is told of its runs ([`Route::events`](crate::define::workflow::Route::events));
//! of others there is nothing here. Events are written in the transactions that make them true, so
//! there is none of what was rolled back. Each has a [`Position`]; whoever keeps the last one that
//! it has dealt with goes on from there, after a restart too:
//!
//! ```no_run
//! # async fn example(pool: sqlx::PgPool, kept: Option<workflows::events::Position>) {
//! use futures::StreamExt;
//!
//! let mut events = std::pin::pin!(workflows::events::follow(&pool, kept));
//! while let Some(Ok(event)) = events.next().await {
//!     println!("{} {:?} of run {}", event.position, event.kind, event.run_id);
//!     // Deal with it, and keep event.position, together.
//! }
//! # }
//! ```
//!
//! An event is seen when every transaction that began to write before its own has ended, anywhere on
//! the database server: one that is left open holds the followers up, and loses them nothing.
//! Positions are those of one server and its standbys. They mean nothing to a server into which the
//! data were loaded from a dump: empty `workflows.events` there.

mod follow;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::define::ids::RunId;
use crate::store::error::StoreError;
use crate::store::{
    events as store,
    session::{ANSWER, within},
};

pub use crate::define::detail::Detail;
pub use crate::protocol::position::{NotAPosition, Position};
pub use follow::follow;

/// What happened to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The run was started.
    Started,
    /// A step of it is done. Details: `step`, and `child` for a child of a fan-out.
    StepDone,
    /// Its last step is done. What it handed on is the run's result.
    Succeeded,
    /// A step refused its input. Details: `step`, `code` and `message`.
    Rejected,
    /// It waits for somebody to re-drive or discard its dead letter. Details: `step` and `error`.
    Dead,
    /// Somebody ended it. Details: `by` and `reason`.
    Cancelled,
    /// Somebody started it again. Details: `step` and `by`.
    Restarted,
    /// Somebody let a dead task of it go on. Details: `step` and `by`.
    Redriven,
    /// Something that only a newer build knows.
    Other(String),
}

impl Kind {
    fn of(text: String) -> Self {
        match text.as_str() {
            "started" => Self::Started,
            "step_done" => Self::StepDone,
            "succeeded" => Self::Succeeded,
            "rejected" => Self::Rejected,
            "dead" => Self::Dead,
            "cancelled" => Self::Cancelled,
            "restarted" => Self::Restarted,
            "redriven" => Self::Redriven,
            _ => Self::Other(text),
        }
    }
}

/// Something that happened to a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its place in the stream.
    pub position: Position,
    /// The run that it happened to.
    pub run_id: RunId,
    /// Durable name of its workflow.
    pub workflow: String,
    /// What the run is about.
    pub subject: Uuid,
    /// What happened to a run.
    pub kind: Kind,
    /// When. Not the order: two clocks, or two transactions, may disagree about it.
    pub at: DateTime<Utc>,
    /// What else is known, or `null`.
    pub details: Value,
}

/// A part of the stream, the oldest first.
#[derive(Debug, Clone)]
pub struct Page {
    /// At most as many as were asked for.
    pub events: Vec<Event>,
    /// Where to go on: the last event's position, or where this page began.
    pub next: Option<Position>,
    /// There may be more at once.
    pub more: bool,
}

/// The stream cannot be read from there.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// Some of what followed was removed because of its age
    /// ([`EngineConfig::keep_events`](crate::engine::config::EngineConfig::keep_events)). Begin with the oldest that
    /// is kept, and whatever else makes up for it.
    #[error("events after {0} were removed before they were read")]
    Missed(Position),
    /// The server has never been so far: the position is another one's, or the server has forgotten
    /// what it had done.
    #[error("the position {0} is not of this database server")]
    Elsewhere(Position),
    /// The database refused or was lost.
    #[error("the database could not be asked")]
    Database(#[from] StoreError),
}

/// What happened after a position, or from the oldest event that is kept, at most `limit` (1 to
/// 10,000) of it. Nothing is there twice, and nothing appears later before [`Page::next`].
pub async fn read(pool: &PgPool, after: Option<Position>, limit: u32) -> Result<Page, EventsError> {
    let limit = limit.clamp(1, 10_000);
    let from = after.unwrap_or(Position::BEGINNING);
    let reading = store::read(pool, from, limit.into());
    let found = within(ANSWER * 2, reading).await?;
    if found.elsewhere {
        return Err(EventsError::Elsewhere(from));
    }
    if after.is_some() && found.missed {
        return Err(EventsError::Missed(from));
    }
    Ok(Page {
        next: found.events.last().map(|event| event.position).or(after),
        more: found.events.len() >= usize::try_from(limit).unwrap_or(usize::MAX),
        events: found.events.into_iter().map(Event::from).collect(),
    })
}

/// A position before everything that is still to come. Something that has just happened may come too.
pub async fn end(pool: &PgPool) -> Result<Position, EventsError> {
    Ok(within(ANSWER, store::end(pool)).await?)
}

impl From<store::Row> for Event {
    fn from(row: store::Row) -> Self {
        let details = row.details.map(|details| serde_json::from_str(&details));
        Self {
            position: row.position,
            run_id: row.run_id,
            workflow: row.workflow,
            subject: row.subject,
            kind: Kind::of(row.kind),
            at: row.at,
            details: details.and_then(Result::ok).unwrap_or_default(),
        }
    }
}

/// How long events are kept, if nobody says otherwise.
pub(crate) const KEPT: Duration = Duration::from_hours(7 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_back_from_its_text() {
        let position = Position { xid: 734, seq: 12 };
        assert_eq!(position.to_string().parse(), Ok(position));
        for wrong in ["", "734", "734-", "-1-5", "734-x", "7-1-2"] {
            assert!(wrong.parse::<Position>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_transaction_comes_first() {
        let early = Position { xid: 7, seq: 99 };
        assert!(early < Position { xid: 8, seq: 1 });
        assert!(early < Position { xid: 7, seq: 100 });
        assert!(Position::BEGINNING < Position { xid: 0, seq: 0 });
    }
}
