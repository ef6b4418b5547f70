//! Dead letters: list, sum up, show, re-drive, discard.

mod discard;
mod list;
mod redrive;
mod summary;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::admin::Conflict;
use crate::admin::{AdminError, not_found};

pub use discard::{Discarded, discard, discard_in, discard_many, discard_many_in};
pub use list::{DeadLetter, WholeLetter, list, show};
pub use redrive::{redrive, redrive_in};
pub use summary::{Kind, summary};

/// Which letters. What is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LetterFilter {
    /// Name of the workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// Name of the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// [`DeadLetter::fingerprint`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Fairness key of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Died before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died_before: Option<DateTime<Utc>>,
    /// Died at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died_since: Option<DateTime<Utc>>,
}

/// Finds a letter's run and step.
async fn place_of(tx: &mut PgConnection, letter_id: Uuid) -> Result<(Uuid, String), AdminError> {
    let letter = sqlx::query!(
        "SELECT run_id, step FROM workflows.dead_letters JOIN workflows.lanes USING (lane)
         WHERE letter_id = $1",
        letter_id
    )
    .fetch_optional(tx)
    .await?
    .ok_or_else(|| not_found("dead letter", letter_id))?;
    Ok((letter.run_id, letter.step))
}

/// Makes sure that a letter waits for a decision. Call under its run's lock.
async fn open(tx: &mut PgConnection, letter_id: Uuid) -> Result<(), AdminError> {
    let open = sqlx::query_scalar!(
        r#"SELECT resolved_at IS NULL AS "open!" FROM workflows.dead_letters WHERE letter_id = $1"#,
        letter_id,
    )
    .fetch_optional(tx)
    .await?;
    if open == Some(true) {
        return Ok(());
    }
    Err(Conflict::LetterResolved.into())
}

/// How many open letters match.
pub(crate) async fn matching(
    tx: &mut PgConnection,
    filter: &LetterFilter,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM workflows.matching_letters($1, $2, $3, $4, $5, $6)
           WHERE resolved_at IS NULL"#,
        filter.workflow.as_deref(),
        filter.step.as_deref(),
        filter.fingerprint.as_deref(),
        filter.owner.as_deref(),
        filter.died_before,
        filter.died_since,
    )
    .fetch_one(tx)
    .await
}

/// A letter on the way to a decision about many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub letter_id: Uuid,
    pub run_id: Uuid,
    pub step: String,
}

/// Open letters that match, the oldest first: behind `position`, and dead since `until` at the latest.
pub(crate) async fn candidates(
    tx: &mut PgConnection,
    filter: &LetterFilter,
    position: Option<Uuid>,
    until: Option<DateTime<Utc>>,
    limit: i64,
) -> Result<Vec<Candidate>, sqlx::Error> {
    sqlx::query_as!(
        Candidate,
        r#"SELECT letter_id AS "letter_id!", run_id AS "run_id!", step AS "step!"
           FROM workflows.matching_letters($1, $2, $3, $4, $5, $6)
           WHERE resolved_at IS NULL AND letter_id > $7 AND ($8::timestamptz IS NULL OR died_at <= $8)
           ORDER BY letter_id LIMIT $9"#,
        filter.workflow.as_deref(),
        filter.step.as_deref(),
        filter.fingerprint.as_deref(),
        filter.owner.as_deref(),
        filter.died_before,
        filter.died_since,
        position.unwrap_or(Uuid::nil()),
        until,
        limit,
    )
    .fetch_all(tx)
    .await
}
