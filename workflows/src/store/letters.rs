//! Dead letters, as people read them and decide about them.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::define::ids::{Fingerprint, LetterId, RunId, TaskId};
use crate::store::error::StoreError;
use crate::{
    define::letter_filter::LetterFilter,
    protocol::state::{Cause, Resolution},
};

pub(crate) struct Row {
    pub letter_id: LetterId,
    pub run_id: RunId,
    pub task_id: TaskId,
    pub workflow: String,
    pub version: i32,
    pub step: String,
    pub child: Option<i32>,
    pub fairness_key: String,
    pub errors: i32,
    pub crashes: i32,
    pub interruptions: i32,
    pub cause: Cause,
    pub error: String,
    pub fingerprint: Fingerprint,
    pub died_at: DateTime<Utc>,
    pub resolution: Option<Resolution>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub resolved_by: Option<String>,
    pub reason: Option<String>,
}

/// A query on `workflows.matching_letters($1, $2, $3, $4, $5, $6)`, whose arguments are the filter's. From
/// `$7` on they are the query's own.
macro_rules! matching_letters {
    ($query:ident, $filter:ident, $($row:ident,)? $sql:literal, $($own:expr),* $(,)?) => {
        sqlx::$query!(
            $($row,)?
            $sql,
            $filter.workflow.as_deref(),
            $filter.step.as_deref(),
            $filter.fingerprint.as_ref().map(Fingerprint::as_str),
            $filter.fairness_key.as_deref(),
            $filter.died_before,
            $filter.died_since,
            $($own),*
        )
    };
}

/// The newest `limit` letters before the letter `before`; open ones, or all.
pub(crate) async fn list(
    pool: &PgPool,
    filter: &LetterFilter,
    resolved_too: bool,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    Ok(matching_letters!(query_as, filter,
        Row,
        r#"SELECT letter_id AS "letter_id!", run_id AS "run_id!", task_id AS "task_id!",
                  workflow AS "workflow!", version AS "version!", step AS "step!", child,
                  fairness_key AS "fairness_key!", errors AS "errors!", crashes AS "crashes!",
                  interruptions AS "interruptions!", cause AS "cause!: Cause",
                  left(error::text, 65536) AS "error!", fingerprint AS "fingerprint!",
                  died_at AS "died_at!", resolution AS "resolution: Resolution", resolved_at, resolved_by, reason
           FROM workflows.matching_letters($1, $2, $3, $4, $5, $6)
           WHERE ($7 OR resolved_at IS NULL) AND ($8::uuid IS NULL OR letter_id < $8)
           ORDER BY letter_id DESC LIMIT $9"#,
        resolved_too,
        before,
        limit,
    )
    .fetch_all(pool)
    .await?)
}

pub(crate) async fn get(pool: &PgPool, letter_id: LetterId) -> Result<Option<Row>, StoreError> {
    Ok(sqlx::query_as!(
        Row,
        r#"SELECT letter_id AS "letter_id!", run_id AS "run_id!", task_id AS "task_id!",
                  workflow AS "workflow!", version AS "version!", step AS "step!", child,
                  fairness_key AS "fairness_key!", errors AS "errors!", crashes AS "crashes!",
                  interruptions AS "interruptions!", cause AS "cause!: Cause",
                  left(error::text, 65536) AS "error!", fingerprint AS "fingerprint!",
                  died_at AS "died_at!", resolution AS "resolution: Resolution", resolved_at, resolved_by, reason
           FROM workflows.named_letters WHERE letter_id = $1"#,
        letter_id.0,
    )
    .fetch_optional(pool)
    .await?)
}

/// What a task was given, and what it died of.
pub(crate) struct Payloads {
    pub input: String,
    pub error: String,
}

/// The payloads of a letter.
pub(crate) async fn payloads(
    pool: &PgPool,
    letter_id: LetterId,
) -> Result<Option<Payloads>, StoreError> {
    Ok(sqlx::query_as!(
        Payloads,
        r#"SELECT input::text AS "input!", error::text AS "error!"
           FROM workflows.dead_letters WHERE letter_id = $1"#,
        letter_id.0,
    )
    .fetch_optional(pool)
    .await?)
}

/// Where a task died.
pub(crate) struct Spot {
    pub run_id: RunId,
    pub step: String,
}

/// Finds a letter's run and step.
pub(crate) async fn place_of(
    tx: &mut PgConnection,
    letter_id: LetterId,
) -> Result<Option<Spot>, StoreError> {
    Ok(sqlx::query_as!(
        Spot,
        "SELECT run_id, step FROM workflows.dead_letters JOIN workflows.lanes USING (lane)
         WHERE letter_id = $1",
        letter_id.0
    )
    .fetch_optional(tx)
    .await?)
}

/// Whether nobody has decided about a letter. `None`: there is no such letter.
pub(crate) async fn is_open(
    tx: &mut PgConnection,
    letter_id: LetterId,
) -> Result<Option<bool>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT resolved_at IS NULL AS "open!" FROM workflows.dead_letters WHERE letter_id = $1"#,
        letter_id.0,
    )
    .fetch_optional(tx)
    .await?)
}

/// The newest open letter of a run.
pub(crate) struct Open {
    pub letter_id: LetterId,
    pub step: String,
    /// As much of it as is shown.
    pub error: String,
    /// How many of the run's letters are open.
    pub letters: i64,
}

/// The newest open letter of a run, and how many are open.
pub(crate) async fn newest_open(pool: &PgPool, run_id: RunId) -> Result<Option<Open>, StoreError> {
    Ok(sqlx::query_as!(
        Open,
        r#"SELECT letter_id, step, left(error::text, 65536) AS "error!", count(*) OVER () AS "letters!"
           FROM workflows.dead_letters JOIN workflows.lanes USING (lane)
           WHERE run_id = $1 AND resolved_at IS NULL
           ORDER BY letter_id DESC LIMIT 1"#,
        run_id.0,
    )
    .fetch_optional(pool)
    .await?)
}

/// Open letters of one kind.
pub(crate) struct Kind {
    pub fingerprint: Fingerprint,
    pub workflow: String,
    pub step: String,
    pub cause: Cause,
    pub letters: i64,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    pub example: LetterId,
    pub error: String,
}

/// The open letters that match, by kind, the most frequent first; at most `limit` kinds.
pub(crate) async fn kinds(
    pool: &PgPool,
    filter: &LetterFilter,
    limit: i64,
) -> Result<Vec<Kind>, StoreError> {
    Ok(matching_letters!(query_as, filter,
        Kind,
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
        limit,
    )
    .fetch_all(pool)
    .await?)
}

/// Those of the locked runs that have not ended and one of whose given letters is open.
pub(crate) async fn still_dead(
    tx: &mut PgConnection,
    runs: &[RunId],
    letters: &[LetterId],
) -> Result<Vec<RunId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT run_id AS "run_id: RunId" FROM workflows.runs r
           WHERE run_id = ANY($1) AND state IN ('running', 'dead')
             AND EXISTS (SELECT FROM workflows.dead_letters d
                         WHERE d.run_id = r.run_id AND d.letter_id = ANY($2) AND d.resolved_at IS NULL)
           ORDER BY run_id"#,
        runs as &[RunId],
        letters as &[LetterId],
    )
    .fetch_all(tx)
    .await?)
}

/// How many open letters match.
pub(crate) async fn matching(
    tx: &mut PgConnection,
    filter: &LetterFilter,
) -> Result<i64, StoreError> {
    Ok(matching_letters!(
        query_scalar,
        filter,
        r#"SELECT count(*) AS "count!" FROM workflows.matching_letters($1, $2, $3, $4, $5, $6)
           WHERE resolved_at IS NULL"#,
    )
    .fetch_one(tx)
    .await?)
}

/// A letter on the way to a decision about many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub letter_id: LetterId,
    pub run_id: RunId,
    pub step: String,
}

/// Open letters that match, the oldest first: behind `position`, and dead since `until` at the latest.
pub(crate) async fn candidates(
    tx: &mut PgConnection,
    filter: &LetterFilter,
    position: Option<LetterId>,
    until: Option<DateTime<Utc>>,
    limit: i64,
) -> Result<Vec<Candidate>, StoreError> {
    Ok(matching_letters!(query_as, filter,
        Candidate,
        r#"SELECT letter_id AS "letter_id!", run_id AS "run_id!", step AS "step!"
           FROM workflows.matching_letters($1, $2, $3, $4, $5, $6)
           WHERE resolved_at IS NULL AND letter_id > $7 AND ($8::timestamptz IS NULL OR died_at <= $8)
           ORDER BY letter_id LIMIT $9"#,
        position.map_or(Uuid::nil(), |letter| letter.0),
        until,
        limit,
    )
    .fetch_all(tx)
    .await?)
}
