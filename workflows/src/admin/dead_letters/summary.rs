//! What died of what, and how often.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::define::ids::{Fingerprint, LetterId};
use crate::{
    admin::{AdminError, dead_letters::LetterFilter, payload::Short},
    protocol::state::Cause,
    store::letters,
};

/// More kinds than anybody reads.
const KINDS: i64 = 500;

/// Open letters of one kind.
#[derive(Debug, Clone)]
pub struct Kind {
    /// What they have in common.
    pub fingerprint: Fingerprint,
    /// Durable name of the workflow.
    pub workflow: String,
    /// Durable name of the step.
    pub step: String,
    /// Why they died.
    pub cause: Cause,
    /// Open letters of the kind.
    pub letters: i64,
    /// When the first of them died.
    pub first_at: DateTime<Utc>,
    /// When the last of them died.
    pub last_at: DateTime<Utc>,
    /// The newest of them.
    pub example: LetterId,
    /// The message of that one's innermost cause, cut off after 500 characters.
    pub root_cause: String,
}

/// The open letters that match, by kind, the most frequent first; at most 500 kinds.
pub async fn summary(pool: &PgPool, filter: &LetterFilter) -> Result<Vec<Kind>, AdminError> {
    let rows = letters::kinds(pool, filter, KINDS).await?;
    let kinds = rows.into_iter().map(|row| {
        let error = Short::of(&row.error);
        Kind {
            fingerprint: row.fingerprint,
            workflow: row.workflow,
            step: row.step,
            cause: row.cause,
            letters: row.letters,
            first_at: row.first_at,
            last_at: row.last_at,
            example: row.example,
            root_cause: error.root_cause.unwrap_or(error.message),
        }
    });
    Ok(kinds.collect())
}
