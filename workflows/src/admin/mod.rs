//! What people and their tools do with runs, dead letters and queues. The HTTP API and the command
//! line are both thin layers over these functions.
//!
//! Whatever changes something takes [`Actor`] and leaves an [`audit`] row in the same transaction. Each
//! action has two forms: one for a pool, which also tells the workers, and one (`…_in`) that is part
//! of the caller's own transaction and returns the [`Hints`] to send after its commit.

mod answer;
pub mod audit;
pub(crate) mod breakers;
pub mod check;
mod conflict;
pub mod dead_letters;
mod depths;
pub mod explain;
pub(crate) mod hints;
pub(crate) mod hooks;
pub mod limits;
mod live_tasks;
pub(crate) mod locks;
pub(crate) mod payload;
pub mod queues;
pub mod redrive;
pub mod runs;
pub mod workers;

use crate::store::error::StoreError;
use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use crate::define::{actor::Actor, hooks::Hooks};
pub use breakers::Breaker;
pub use conflict::Conflict;
pub use depths::{Depth, Depths, depths};
pub use hints::Hints;
pub use payload::Payload;

/// Refuses an action without a reason.
pub(crate) fn check_reason(by: Actor<'_>) -> Result<(), AdminError> {
    if by.reason.trim().is_empty() {
        return Err(AdminError::NoReason);
    }
    Ok(())
}

/// An action that could not be done. Nothing was changed, if the caller's transaction is rolled back.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// There is no such run, letter or queue.
    #[error("there is no {what} {id}")]
    NotFound {
        /// `run`, `dead letter`, `queue` or `re-drive`.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// It is not in the state for this; somebody may have been faster.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// Every action needs a reason.
    #[error("a reason is required")]
    NoReason,
    /// A workflow's hook for the end of a run failed.
    #[error("the workflow's own part of it failed: {0}")]
    Hook(#[source] crate::define::record::BoxError),
    /// The database refused or was lost.
    #[error("the database could not be asked")]
    Database(#[from] StoreError),
}

impl From<sqlx::Error> for AdminError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

fn not_found(what: &'static str, id: impl std::fmt::Display) -> AdminError {
    AdminError::NotFound {
        what,
        id: id.to_string(),
    }
}

/// A part of a list, newest first.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// At most as many as were asked for.
    pub items: Vec<T>,
    /// Where the next part begins, if there is one.
    pub next: Option<Uuid>,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy)]
pub struct Paging {
    /// [`Page::next`] of the part before.
    pub after: Option<Uuid>,
    /// Between 1 and 500.
    pub limit: i64,
}

impl Default for Paging {
    /// The first fifty.
    fn default() -> Self {
        Self {
            after: None,
            limit: 50,
        }
    }
}

impl Paging {
    /// One more than asked for, to know whether there is a next part.
    fn fetch(self) -> i64 {
        self.limit.clamp(1, 500) + 1
    }

    fn page<T>(self, mut items: Vec<T>, id: impl Fn(&T) -> Uuid) -> Page<T> {
        let wanted = usize::try_from(self.fetch() - 1).unwrap_or(1);
        let next = (items.len() > wanted).then(|| id(&items[wanted - 1]));
        items.truncate(wanted);
        Page { items, next }
    }
}

/// A pause, of a run or a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// When it began.
    pub at: DateTime<Utc>,
    /// The actor's name, as in the audit.
    pub by: String,
    /// The reason that the actor gave.
    pub reason: String,
}

impl Pause {
    fn from(at: Option<DateTime<Utc>>, by: Option<String>, reason: Option<String>) -> Option<Self> {
        Some(Self {
            at: at?,
            by: by?,
            reason: reason?,
        })
    }
}
