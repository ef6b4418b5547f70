//! What died of what, and how often.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::admin::{AdminError, dead_letters::LetterFilter, payload::Short};
use crate::protocol::state::Cause;

/// More kinds than anybody reads.
const KINDS: i64 = 500;

/// Open letters of one kind.
#[derive(Debug, Clone)]
pub struct Kind {
    /// What they have in common.
    pub fingerprint: String,
    /// Durable name of the workflow.
    pub workflow: String,
    /// Durable name of the step.
    pub step: String,
    /// Why they died.
    pub cause: Cause,
    /// How many.
    pub letters: i64,
    /// When the first of them died.
    pub first_at: DateTime<Utc>,
    /// When the last of them died.
    pub last_at: DateTime<Utc>,
    /// The newest of them.
    pub example: Uuid,
    /// The message of that one's innermost cause, cut off after 500 characters.
    pub root_cause: String,
}

/// The open letters that match, by kind, the most frequent first; at most 500 kinds.
pub async fn summary(pool: &PgPool, filter: &LetterFilter) -> Result<Vec<Kind>, AdminError> {
    let rows = sqlx::query!(
        r#"SELECT kind.fingerprint AS "fingerprint!", kind.workflow AS "workflow!", kind.step AS "step!",
                  kind.cause AS "cause!: Cause", letters AS "letters!",
                  first_at AS "first_at!", last_at AS "last_at!", letter_id AS "example!",
                  left(example.error::text, 65536) AS "error!"
           FROM (
               SELECT fingerprint, workflow, step, cause, count(*) AS letters,
                      min(died_at) AS first_at, max(died_at) AS last_at, max(letter_id::text)::uuid AS letter_id
               FROM workflows.matching_letters($1, $2, $3, $4, $5, $6)
               WHERE resolved_at IS NULL
               GROUP BY fingerprint, workflow, step, cause
               ORDER BY letters DESC, fingerprint LIMIT $7) kind
           JOIN workflows.dead_letters example USING (letter_id)
           ORDER BY letters DESC, kind.fingerprint"#,
        filter.workflow.as_deref(),
        filter.step.as_deref(),
        filter.fingerprint.as_deref(),
        filter.owner.as_deref(),
        filter.died_before,
        filter.died_since,
        KINDS,
    )
    .fetch_all(pool)
    .await?;
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
